import NetBase
import STUN

/// The two addresses and two ports of a server that helps to find out how NATs behave (RFC 5780 §6).
struct AlternateAddresses {
    private let first: IPAddress
    private let second: IPAddress
    private let ports: (UInt16, UInt16)

    /// What the server sends, where from, and where to.
    struct Answer {
        let response: STUNMessage
        let origin: TransportAddress
        let destination: TransportAddress
    }

    init(_ first: IPAddress, _ second: IPAddress, ports: (UInt16, UInt16)) {
        (self.first, self.second, self.ports) = (first, second, ports)
    }

    func contains(_ address: TransportAddress) -> Bool { address.ip == first || address.ip == second }

    /// Turns a response to a request that came to an address into what RFC 5780 §6.1 makes of it.
    func answer(
        _ response: STUNMessage, to request: STUNMessage, from source: TransportAddress, at address: TransportAddress
    ) -> Answer {
        guard response.messageClass == .success else {
            return Answer(response: response, origin: address, destination: source)
        }
        let responsePort = request[STUNMessage.ResponsePort.self]
        let isPadded = request.contains(type: STUNMessage.Padding.type)
        // "If the Request also contains the RESPONSE-PORT attribute the server MUST return an error response of type 400."
        if responsePort != nil, isPadded {
            let refusal = STUNMessage.errorResponse(to: request, .badRequest)
            return Answer(response: refusal, origin: address, destination: source)
        }
        let change = request[STUNMessage.ChangeRequest.self]
        let origin = TransportAddress(
            change?.changesIP == true ? otherIP(address) : address.ip,
            port: change?.changesPort == true ? otherPort(address) : address.port)
        var message = STUNMessage(.success, .binding, transactionID: request.transactionID)
        message.append(STUNMessage.XORMappedAddress(source))
        // "The server MUST include both MAPPED-ADDRESS and XOR-MAPPED-ADDRESS in its Response."
        message.append(STUNMessage.MappedAddress(source))
        message.append(STUNMessage.ResponseOrigin(origin))
        message.append(STUNMessage.OtherAddress(TransportAddress(otherIP(address), port: otherPort(address))))
        if isPadded { message.append(STUNMessage.Padding([UInt8](repeating: 0, count: 1500))) }
        if response.fingerprint == .valid { message.appendFingerprint() }
        let destination = TransportAddress(source.ip, port: responsePort?.value ?? source.port)
        return Answer(response: message, origin: origin, destination: destination)
    }

    private func otherIP(_ address: TransportAddress) -> IPAddress { address.ip == first ? second : first }

    private func otherPort(_ address: TransportAddress) -> UInt16 { address.port == ports.0 ? ports.1 : ports.0 }
}

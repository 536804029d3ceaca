import ICETesting
import NetBase
import STUN

/// Bare sockets and streams behind nested NATs that ask a STUN server and then write to their own mapped addresses.
struct Chatter {
    private let network: SimulatedNetwork
    private let carrier: SimulatedNAT
    private let server: TransportAddress

    init(on network: SimulatedNetwork, asking server: TransportAddress) throws {
        self.network = network
        self.server = server
        carrier = network.makeNAT("carrier", external: ["198.51.100.1", "198.51.100.2"], behavior: .symmetric)
        for index in UInt32(0)..<4 { try addHome(index) }
        network.schedule(after: .milliseconds(20)) { [carrier] in carrier.rebind() }
    }

    private func addHome(_ index: UInt32) throws {
        let address = IPAddress(v4: 0x6440_0001 + index)
        let home = network.makeNAT("home\(index)", external: [address], behavior: .addressRestricted, behind: carrier)
        let host = network.makeHost("host\(index)", addresses: ["192.168.1.2", "fe80::2"], behind: home)
        host.link.setConditions(impaired)
        var generator = host.makeRandomNumberGenerator()
        for _ in 0..<3 {
            let socket = try host.bind("192.168.1.2:0")
            socket.onDatagram = { [weak socket] bytes, _ in
                guard let response = try? STUNMessage(parsing: bytes),
                    let mapped = response[STUNMessage.XORMappedAddress.self]?.address
                else { return }
                try? socket?.send(bytes, to: mapped)
            }
            for _ in 0..<3 { try socket.send(request(using: &generator), to: server) }
        }
        try host.connect(to: server).write(request(using: &generator))
    }

    private func request(using generator: inout any RandomNumberGenerator) -> [UInt8] {
        STUNMessage(.request, .binding, transactionID: STUNTransactionID(using: &generator)).bytes
    }
}

import ICETesting
import NetBase
import STUN
import Testing

@Suite("The simulated STUN server with two addresses")
struct STUNServerDiscoveryTests {
    let network = SimulatedNetwork(seed: 1)
    let client: Probe
    let other: Probe

    init() throws {
        let host = network.makeHost("client", addresses: ["198.51.100.1"])
        client = try Probe(host, "198.51.100.1:5000")
        other = try Probe(host, "198.51.100.1:6000")
    }

    private func ask(
        _ destination: TransportAddress = "192.0.2.1:3478", _ attributes: [any STUNAttribute] = []
    ) throws -> STUNMessage {
        var request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 1, low: 2))
        for attribute in attributes { request.append(attribute) }
        try client.send(request.bytes, to: destination)
        network.run(for: .milliseconds(1))
        let bytes = try #require((client.payloads + other.payloads).last)
        return try STUNMessage(parsing: bytes.span)
    }

    private func serve(_ addresses: [IPAddress] = ["192.0.2.1", "192.0.2.2"]) throws {
        try SimulatedSTUNServer(on: network.makeHost("stun", addresses: addresses), alternatePort: 3479)
    }

    struct Change: CustomStringConvertible {
        let ip: Bool
        let port: Bool
        let origin: TransportAddress
        var description: String { "IP \(ip), port \(port)" }
    }

    @Test(
        "A8.3: CHANGE-REQUEST, RESPONSE-ORIGIN and OTHER-ADDRESS are those of RFC 5780's table 1",
        arguments: [
            Change(ip: false, port: false, origin: "192.0.2.1:3478"),
            Change(ip: true, port: false, origin: "192.0.2.2:3478"),
            Change(ip: false, port: true, origin: "192.0.2.1:3479"),
            Change(ip: true, port: true, origin: "192.0.2.2:3479"),
        ])
    func table(_ change: Change) throws {
        try serve()
        let flags = STUNMessage.ChangeRequest(changesIP: change.ip, changesPort: change.port)
        let response = try ask("192.0.2.1:3478", [flags])
        #expect(client.sources == [change.origin])
        #expect(response[STUNMessage.ResponseOrigin.self]?.address == change.origin)
        #expect(response[STUNMessage.OtherAddress.self]?.address == "192.0.2.2:3479")
        #expect(response[STUNMessage.MappedAddress.self]?.address == client.address)
        #expect(response[STUNMessage.XORMappedAddress.self]?.address == client.address)
    }

    @Test("Each of its four addresses names the opposite one, in both families")
    func others() throws {
        try serve(["192.0.2.1", "192.0.2.2"])
        for (asked, named) in [
            ("192.0.2.1:3478", "192.0.2.2:3479"), ("192.0.2.2:3478", "192.0.2.1:3479"),
            ("192.0.2.1:3479", "192.0.2.2:3478"), ("192.0.2.2:3479", "192.0.2.1:3478"),
        ] {
            let response = try ask(try #require(TransportAddress(asked)))
            #expect(response[STUNMessage.OtherAddress.self]?.address == TransportAddress(named))
        }
    }

    @Test("RESPONSE-PORT sends the answer to another port, PADDING makes it long, both together are a bad request")
    func responsePort() throws {
        try serve()
        #expect(try ask("192.0.2.1:3478", [STUNMessage.ResponsePort(6000)]).messageClass == .success)
        #expect(other.sources == ["192.0.2.1:3478"] && client.received.isEmpty)
        let both: [any STUNAttribute] = [STUNMessage.ResponsePort(5000), STUNMessage.Padding([0, 0, 0, 0])]
        _ = try ask("192.0.2.1:3478", both)
        let bytes = try #require(client.payloads.last)
        let refusal = try STUNMessage(parsing: bytes.span)
        #expect(refusal[STUNMessage.ErrorCode.self]?.code == 400)
    }

    @Test("A8.3: with one address it names no other, and answers CHANGE-REQUEST with 420")
    func oneAddress() throws {
        try serve(["192.0.2.1"])
        #expect(try ask()[STUNMessage.OtherAddress.self] == nil)
        let refusal = try ask("192.0.2.1:3478", [STUNMessage.ChangeRequest(changesIP: true, changesPort: true)])
        #expect(refusal[STUNMessage.ErrorCode.self]?.code == 420)
        #expect(refusal[STUNMessage.UnknownAttributes.self]?.value == [0x0003])
    }
}

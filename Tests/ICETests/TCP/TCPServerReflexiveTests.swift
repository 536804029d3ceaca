import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("Server-reflexive candidates over TCP (RFC 6544 §5.2)")
struct TCPServerReflexiveTests {
    private let network = SimulatedNetwork(seed: 41)
    private let server: SimulatedHost

    init() throws {
        server = network.makeHost("stun", addresses: ["203.0.113.9"])
        try SimulatedSTUNServer(on: server)
    }

    private func host(_ name: String, behind external: IPAddress, _ behavior: NATBehavior) -> SimulatedHost {
        let nat = network.makeNAT("\(name)'s NAT", external: [external], behavior: behavior)
        let host = network.makeHost(name, addresses: [name == "a" ? "10.0.0.2" : "10.0.1.2"], behind: nat)
        host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        return host
    }

    private func call(
        _ a: SimulatedHost, _ b: SimulatedHost, _ transports: CandidateTransports = .tcp
    ) throws -> SimulatedCall {
        let servers = [try ICEServer(urls: ["stun:203.0.113.9"])]
        return SimulatedCall(network, a, b) {
            $0.transports = transports
            $0.pacing = .fast
            $0.servers = servers
        }
    }

    @Test("Both behind NATs that let in whoever comes: the passive port's mapping is found, told and connected to")
    func fullCone() throws {
        let call = try call(host("a", behind: "198.51.100.1", .fullCone), host("b", behind: "198.51.100.2", .fullCone))
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        #expect(call.talk())
        for client in call.clients {
            let mapped = client.localCandidates.filter { $0.kind == .serverReflexive }
            #expect(mapped.count == 1 && mapped[0].transport == .tcp(.passive))
            #expect(mapped.first?.relatedAddress?.ip == client.localCandidates.first?.address.ip)
        }
        // RFC 6544 §11.2: those to the server are closed once ICE has completed.
        network.run(for: .seconds(5))
        #expect(server.connections.isEmpty)
    }

    @Test("Behind NATs that let in only whom they have sent to, both open the connection at the same time")
    func simultaneousOpen() throws {
        let call = try call(
            host("a", behind: "198.51.100.1", .portRestricted),
            host("b", behind: "198.51.100.2", .portRestricted), [.tcp, .simultaneousOpen])
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        #expect(call.talk())
        #expect(try #require(call.caller.selectedPair()).local.transport == .tcp(.simultaneousOpen))
    }

    @Test("A server without TCP is no error where UDP is in use, and gathering ends all the same")
    func noTCP() throws {
        let udpOnly = network.makeHost("udp only", addresses: ["203.0.113.10"])
        udpOnly.answersClosedPorts = false
        let socket = try udpOnly.bind("203.0.113.10:3478")
        socket.onDatagram = { [unowned socket] bytes, source in
            guard let request = try? STUNMessage(parsing: bytes) else { return }
            var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.XORMappedAddress(source))
            try? socket.send(response.bytes, to: source)
        }
        let a = host("a", behind: "198.51.100.1", .fullCone)
        var configuration = ICEConfiguration(role: .controlling)
        configuration.transports = [.udp, .tcp]
        configuration.servers = [try ICEServer(urls: ["stun:203.0.113.10"])]
        let client = ICEClient(on: a, configuration: configuration)
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        client.gatherCandidates()
        #expect(network.run(until: { client.gatheringState == .complete }, atMost: .seconds(8)))
        #expect(errors.isEmpty, "\(errors)")
        #expect(client.localCandidates.contains { $0.kind == .serverReflexive && $0.transport == .udp })
        client.close()
    }
}

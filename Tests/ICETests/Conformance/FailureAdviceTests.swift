import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("What a session that found no way advises")
struct FailureAdviceTests {
    /// The message of a session whose only pair leads to an address that is not answered from.
    private func message(servers: [ICEServer] = []) throws -> String {
        let call = try ScriptedCall { $0.servers = servers }
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil)
        call.run(.seconds(60))
        #expect(call.client.state == .failed)
        return try #require(call.client.failure?.message)
    }

    @Test("Without a TURN server one is asked for")
    func noServer() throws {
        #expect(try message().contains("add a TURN server"))
        #expect(try message(servers: [ICEServer(urls: ["stun:192.0.2.99"])]).contains("add a TURN server"))
    }

    @Test("Where the TURN server gave no relay, that is to be looked at")
    func noRelay() throws {
        let server = try ICEServer(urls: ["turn:192.0.2.99"], username: "user", credential: "secret")
        let text = try message(servers: [server])
        #expect(text.contains("no TURN server has given a relay"))
    }

    @Test("A pair that the system or a host on the way refuses says so in words, and the session asks for a relay")
    func refused() throws {
        let call = try ScriptedCall()
        try call.start()
        try call.client.addRemoteCandidate("candidate:1 1 udp 2130706431 198.51.100.1 7999 typ host")
        call.client.addRemoteCandidate(nil)
        call.run(.seconds(60))
        let (_, failure) = try #require(call.failures.first)
        #expect(failure.code == .refused && failure.message.contains("nobody listens there"))
        #expect(call.client.failure?.message.contains("add a TURN server") == true)
    }

    @Test("Where a relay was checked too, the peer is the one to look at")
    func relayed() throws {
        let network = SimulatedNetwork(seed: 8)
        let turnHost = network.makeHost("turn", addresses: ["192.0.2.10"])
        let server = try SimulatedTURNServer(on: turnHost, users: ["user": "secret"])
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["turn:192.0.2.10"], username: "user", credential: "secret")]
        let client = ICEClient(
            on: network.makeHost("client", addresses: ["203.0.113.1"]), configuration: configuration)
        _ = network.makeHost("peer", addresses: ["203.0.113.2"])
        client.gatherCandidates()
        client.processCandidates()
        network.run(for: .seconds(1))
        try client.setRemoteParameters(ICEParameters(usernameFragment: "peer", password: "aPasswordThatIsLongEnough"))
        try client.addRemoteCandidate("candidate:1 1 udp 2130706431 203.0.113.2 7999 typ host")
        client.addRemoteCandidate(nil)
        network.run(for: .seconds(90))
        #expect(client.failure?.message.contains("not even the relay") == true, "\(String(describing: client.failure))")
        withExtendedLifetime(server) {}
    }
}

import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("How a session begins and ends, where the application takes its time")
struct BeginningTests {
    @Test("E1.1: patience begins with the checks: a callee may ring for a minute before it answers")
    func lateAnswer() throws {
        let call = try ScriptedCall(role: .controlled)
        try call.client.setRemoteParameters(call.peer.parameters)
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(60))
        #expect(call.client.state == .new)
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.run(.seconds(1))
        #expect(call.states == [.checking, .connected])
    }

    @Test("E1.1: without a candidate of the peer it fails when patience ends, and not before", arguments: [0, 60])
    func noCandidate(_ ringing: Int) throws {
        let call = try ScriptedCall(role: .controlled)
        try call.client.setRemoteParameters(call.peer.parameters)
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(ringing))
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.run(.milliseconds(39_400))
        #expect(call.client.state != .failed)
        call.run(.milliseconds(200))
        #expect(call.client.state == .failed)
    }

    @Test(
        "C2.5: candidates that were there before the credentials make one Waiting pair in each foundation, the best one"
    )
    func lowestFirst() throws {
        let network = SimulatedNetwork(seed: 1)
        let client = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]))
        client.gatherCandidates()
        network.run(for: .milliseconds(1))
        for number in 1...5 {
            let line = "candidate:f 1 udp \(number * 1000) 198.51.100.1 \(5000 + number) typ host"
            try client.addRemoteCandidate(line)
        }
        try client.setRemoteParameters(ICEParameters(usernameFragment: "peer", password: "0123456789012345678901"))
        #expect(client.agent.pairs.map(\.state) == [.waiting, .frozen, .frozen, .frozen, .frozen])
        #expect(client.agent.pairs.first?.remote.address.port == 5005)
    }

    @Test("G1, D3.4: the end of candidates is told ahead of the completed state")
    func endThenComplete() {
        let network = SimulatedNetwork(seed: 1)
        let client = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]))
        var told: [String] = []
        client.onCandidate = { told.append($0 == nil ? "end" : "candidate") }
        client.onGatheringStateChange = { told.append("\($0)") }
        client.gatherCandidates()
        network.run(for: .seconds(1))
        #expect(told == ["gathering", "candidate", "end", "complete"])
    }

    @Test("G12: once the session has failed, no pair of its other streams fails or is nominated any more")
    func quietAfterFailure() throws {
        let call = try ScriptedCall()
        for _ in 0..<2 { try call.client.addStream() }
        try call.start()
        // The first stream gets no candidate at all; the second a silent one, late.
        call.run(.seconds(30))
        var silent = call.peer.candidate()
        silent.address = TransportAddress("198.51.100.1", port: 9)
        silent.stream = StreamID(1)
        call.client.addRemoteCandidate(silent)
        var toldAfterFailure = 0
        call.client.onPairFailed = { [client = call.client] _, _ in toldAfterFailure += client.state == .failed ? 1 : 0
        }
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(15)))
        call.run(.seconds(60))
        #expect(toldAfterFailure == 0)
        #expect(call.client.agent.pairs.allSatisfy { $0.state == .failed })
    }

    @Test(
        "C5.10: whoever describes first controls, though both were made to control",
        arguments: [Role.controlling, .controlled])
    func offererControls(_ configured: Role) throws {
        let network = SimulatedNetwork(seed: 5)
        let clients = ["192.0.2.1", "192.0.2.2"].map { (ip: IPAddress) in
            ICEClient(
                on: network.makeHost("host\(ip)", addresses: [ip]), configuration: ICEConfiguration(role: configured))
        }
        try clients[0].setLocalDescription()
        network.run(for: .milliseconds(1))
        try clients[1].setRemoteDescription(clients[0].localDescription)
        #expect(clients.map(\.role) == [.controlling, .controlled])
        try clients[1].setLocalDescription()
        network.run(for: .milliseconds(1))
        try clients[0].setRemoteDescription(clients[1].localDescription)
        var conflicts = 0
        network.interceptor = { packet in
            if (try? STUNMessage(parsing: packet.bytes.span))?[STUNMessage.ErrorCode.self] != nil { conflicts += 1 }
            return .pass
        }
        for client in clients { client.processCandidates() }
        #expect(network.run(until: { clients.allSatisfy { $0.state == .completed } }, atMost: .seconds(5)))
        #expect(conflicts == 0 && clients.map(\.role) == [.controlling, .controlled])
    }
}

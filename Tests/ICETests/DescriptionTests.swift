import ICE
import ICETesting
import Testing

@Suite("Session descriptions instead of parameters and candidates")
struct DescriptionTests {
    static func clients() -> (SimulatedNetwork, ICEClient, ICEClient) {
        let network = SimulatedNetwork(seed: 5)
        let a = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]))
        let b = ICEClient(
            on: network.makeHost("b", addresses: ["192.0.2.2"]), configuration: ICEConfiguration(role: .controlled))
        return (network, a, b)
    }

    @Test("D1.8: an offer and an answer with all candidates in them are enough to connect")
    func offerAnswer() throws {
        let (network, offerer, answerer) = Self.clients()
        try offerer.setLocalDescription()
        network.run(for: .milliseconds(1))
        try answerer.setRemoteDescription(offerer.localDescription.description)
        try answerer.setLocalDescription()
        network.run(for: .milliseconds(1))
        try offerer.setRemoteDescription(answerer.localDescription.description)
        for client in [offerer, answerer] { client.processCandidates() }
        #expect(
            network.run(until: { offerer.state == .completed && answerer.state == .completed }, atMost: .seconds(5)))
    }

    @Test("A local description fixes streams and components: rtcp-mux folds two into one")
    func components() throws {
        let (network, client, _) = Self.clients()
        let text = """
            v=0
            o=- 1 1 IN IP4 0.0.0.0
            s=-
            t=0 0
            m=audio 9 RTP/SAVPF 111
            a=mid:a
            a=rtcp-mux
            m=video 9 RTP/SAVPF 96
            a=mid:v
            """
        try client.setLocalDescription(SessionDescription(text))
        network.run(for: .milliseconds(1))
        #expect(client.localCandidates.map(\.path.description) == ["0/1", "1/1", "1/2"])
        let written = client.localDescription
        #expect(written.media.map(\.mid) == ["a", "v"])
        #expect(!written.media.contains { !$0.endOfCandidates })
        #expect(throws: ICEError.self) { try client.setLocalDescription() }
    }

    @Test("A description that does not fit throws and changes nothing")
    func mismatch() throws {
        let (_, client, peer) = Self.clients()
        try client.addStream(components: 1)
        try peer.addStream(components: 1)
        try peer.addStream(components: 1)
        let twoStreams = peer.localDescription.description
        #expect(throws: ICEError.self) { try client.setRemoteDescription(twoStreams) }
        #expect(throws: ICESyntaxError.self) { try client.setRemoteDescription("hello") }
        #expect(throws: (any Error).self) {
            try client.setRemoteDescription("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n")
        }
        #expect(client.remoteParameters == nil)
    }

    @Test("D2.11: the same credentials once more are no restart, and change nothing else either")
    func sameAgain() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        var again = call.peer.parameters
        again.pacingInterval = .seconds(1)
        again.options = []
        again.isLite = true
        try call.client.setRemoteParameters(again)
        call.run(.seconds(1))
        #expect(call.client.state == .completed)
        #expect(call.client.remoteParameters == call.peer.parameters)
    }
}

import Foundation
import ICE
import ICETesting
import Testing

@Suite("D3: candidates, parameters and servers as WebRTC's JSON")
struct SignalledCandidateTests {
    private static let line = "candidate:1 1 udp 2130706431 198.51.100.1 7000 typ host"

    private func decode<Value: Decodable>(_ json: String) throws -> Value { try decode(Value.self, json) }

    private func decode<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    private func object(_ value: some Encodable) throws -> [String: String] {
        let any = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
        let dictionary = try #require(any as? [String: Any])
        return dictionary.mapValues { "\($0)" }
    }

    private func code(_ body: () throws -> Void) -> ICEError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ICEError)?.code
        }
    }

    // MARK: Coding

    @Test("D3.1: the dictionary has the four fields of RTCIceCandidateInit, there and back")
    func dictionary() throws {
        let json = #"{"candidate":"\#(Self.line)","sdpMid":"audio","sdpMLineIndex":1,"usernameFragment":"peer"}"#
        let read: SignalledCandidate = try decode(json)
        let made = SignalledCandidate(
            candidate: Self.line, sdpMid: "audio", sdpMLineIndex: 1, usernameFragment: "peer")
        #expect(read == made)
        let expected = [
            "candidate": Self.line, "sdpMid": "audio", "sdpMLineIndex": "1", "usernameFragment": "peer",
        ]
        #expect(try object(made) == expected)
        #expect(!made.isEndOfCandidates)
    }

    @Test(
        "D3.2: an empty, missing or null candidate is the end of candidates",
        arguments: ["{}", #"{"candidate":""}"#, #"{"candidate":null,"sdpMid":null,"sdpMLineIndex":null}"#])
    func ends(_ json: String) throws {
        #expect(try decode(json) == SignalledCandidate.endOfCandidates())
    }

    @Test(
        "D3.3: what is no such dictionary is not read",
        arguments: [
            "[]", #"{"candidate":5}"#, #"{"sdpMLineIndex":-1}"#, #"{"sdpMLineIndex":70000}"#, #"{"sdpMid":1}"#,
        ])
    func badDictionary(_ json: String) {
        #expect(throws: DecodingError.self) { try decode(SignalledCandidate.self, json) }
    }

    @Test("D3.1: a candidate is coded as that dictionary, its stream as a position and its generation as the fragment")
    func candidateCoding() throws {
        let json = #"{"candidate":"\#(Self.line)","sdpMLineIndex":2,"usernameFragment":"abcd"}"#
        let candidate: Candidate = try decode(json)
        #expect(candidate.stream == StreamID(2))
        #expect(candidate.usernameFragment == "abcd")
        #expect(
            try decode(Candidate.self, String(decoding: JSONEncoder().encode(candidate), as: UTF8.self)) == candidate)
        #expect(try object(candidate)["sdpMLineIndex"] == "2")
        #expect(try object(candidate)["usernameFragment"] == "abcd")
        #expect(try decode(Candidate.self, #"{"candidate":"\#(Self.line)","sdpMid":"3"}"#).stream == StreamID(3))
        #expect(throws: DecodingError.self) { try decode(Candidate.self, #"{"candidate":"candidate:1 1"}"#) }
        #expect(throws: DecodingError.self) { try decode(Candidate.self, "{}") }
    }

    @Test("Parameters are coded as RTCIceParameters, and bad credentials are refused without being shown")
    func parameterCoding() throws {
        let parameters = try ICEParameters(
            usernameFragment: "abcd", password: "0123456789012345678901", options: ["ice2"], isLite: true,
            pacingInterval: .milliseconds(20))
        let data = try JSONEncoder().encode(parameters)
        #expect(try JSONDecoder().decode(ICEParameters.self, from: data) == parameters)
        let plain: ICEParameters = try decode(
            #"{"usernameFragment":"abcd","password":"0123456789012345678901"}"#)
        #expect(plain == (try ICEParameters(usernameFragment: "abcd", password: "0123456789012345678901")))
        do {
            _ = try decode(ICEParameters.self, #"{"usernameFragment":"abcd","password":"tooshort"}"#)
            Issue.record("a short password was read")
        } catch let error as DecodingError {
            #expect(!"\(error)".contains("tooshort"))
        }
    }

    @Test("Servers are coded as RTCIceServer, whose URLs are one string or several")
    func serverCoding() throws {
        #expect(try decode(ICEServer.self, #"{"urls":"stun:stun.example"}"#).urls == ["stun:stun.example"])
        let server: ICEServer = try decode(
            #"{"urls":["turn:a.example","turns:a.example"],"username":"u","credential":"c"}"#)
        #expect(server.urls == ["turn:a.example", "turns:a.example"])
        #expect(server.username == "u" && server.credential == "c")
        let data = try JSONEncoder().encode(server)
        #expect(try JSONDecoder().decode(ICEServer.self, from: data) == server)
        #expect(throws: DecodingError.self) { try decode(ICEServer.self, #"{"urls":"http://x"}"#) }
        #expect(throws: DecodingError.self) { try decode(ICEServer.self, #"{"urls":"turn:a.example"}"#) }
        #expect(throws: DecodingError.self) { try decode(ICEServer.self, "{}") }
    }

    // MARK: Calls

    @Test("D3.1, D3.4: a call that is signalled in JSON alone connects, ends of candidates included")
    func callInJSON() throws {
        let (network, a, b) = SimulatedCallTests.hosts(31)
        let call = SimulatedCall(network, a, b)
        var messages: [String] = []
        for (client, peer) in [(call.caller, call.callee), (call.callee, call.caller)] {
            client.onCandidate = { [weak client, weak peer] candidate in
                guard let client, let peer, let data = try? JSONEncoder().encode(client.signalled(candidate)) else {
                    return
                }
                messages.append(String(decoding: data, as: UTF8.self))
                if let signalled = try? JSONDecoder().decode(SignalledCandidate.self, from: data) {
                    try? peer.addRemoteCandidate(signalled)
                }
            }
        }
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(messages.count == 4)
        let fragment = call.caller.localParameters.usernameFragment
        #expect(
            messages.contains { $0.contains(#""candidate":"""#) && $0.contains(fragment.replacing("/", with: #"\/"#)) })
    }

    @Test("D3.1: a candidate that names no stream is a fault of its own, and changes nothing")
    func withoutStream() throws {
        let call = try ScriptedCall()
        try call.start()
        let signalled = SignalledCandidate(candidate: Self.line)
        #expect(code { try call.client.addRemoteCandidate(signalled) } == .candidateWithoutStream)
        #expect(call.client.remoteCandidates.isEmpty)
    }

    @Test("D3.1: sdpMid goes before sdpMLineIndex where there is a description")
    func midFirst() throws {
        let network = SimulatedNetwork(seed: 1)
        let client = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]))
        var description = SessionDescription(parameters: client.localParameters, componentCounts: [1, 1])
        description.media[0].mid = "audio"
        description.media[1].mid = "video"
        try client.setLocalDescription(description)
        try client.addRemoteCandidate(SignalledCandidate(candidate: Self.line, sdpMid: "video", sdpMLineIndex: 0))
        #expect(client.remoteCandidates.map(\.stream.index) == [1])
        network.run(for: .milliseconds(1))
        let own = client.localCandidates.map { client.signalled($0) }
        #expect(own.map(\.sdpMid) == ["audio", "video"])
        #expect(own.map(\.sdpMLineIndex) == [0, 1])
        let unknown = SignalledCandidate(candidate: Self.line, sdpMid: "data", sdpMLineIndex: 0)
        #expect(code { try client.addRemoteCandidate(unknown) } == .unknownStream)
    }

    @Test("D3.3: an unknown name, position or generation and a bad line are faults, after which the session goes on")
    func faults() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let before = SessionSnapshot(call.client)
        let table: [(SignalledCandidate, ICEError.Code)] = [
            (SignalledCandidate(candidate: Self.line, sdpMid: "nobody"), .unknownStream),
            (SignalledCandidate(candidate: Self.line, sdpMLineIndex: 1), .unknownStream),
            (.endOfCandidates(sdpMLineIndex: 7), .unknownStream),
            (SignalledCandidate(candidate: Self.line, sdpMid: "0", usernameFragment: "other"), .unknownGeneration),
            (SignalledCandidate(candidate: Self.line + " ufrag other", sdpMid: "0"), .unknownGeneration),
            (.endOfCandidates(usernameFragment: "other"), .unknownGeneration),
            (SignalledCandidate(candidate: "candidate:1 1 udp", sdpMid: "0"), .malformedCandidate),
            (SignalledCandidate(candidate: "nonsense", sdpMid: "0"), .malformedCandidate),
        ]
        for (signalled, expected) in table {
            #expect(code { try call.client.addRemoteCandidate(signalled) } == expected, "\(signalled)")
        }
        #expect(SessionSnapshot(call.client) == before)
        try call.client.send("still here")
        call.client.close()
        #expect(code { try call.client.addRemoteCandidate(.endOfCandidates()) } == .closed)
    }

    @Test("D3.3, H19: before the parameters it is kept; one that names another generation than those is then left out")
    func beforeParameters() throws {
        let call = try ScriptedCall()
        try call.start(withCredentials: false)
        let stale = "candidate:1 1 udp 2130706431 203.0.113.9 7000 typ host"
        try call.client.addRemoteCandidate(
            SignalledCandidate(candidate: stale, sdpMid: "0", usernameFragment: "stale"))
        try call.client.addRemoteCandidate(
            SignalledCandidate(candidate: Self.line, sdpMid: "0", usernameFragment: "peer"))
        try call.client.addRemoteCandidate(.endOfCandidates(usernameFragment: "peer"))
        try call.client.setRemoteParameters(call.peer.parameters)
        #expect(call.client.remoteCandidates.map(\.address) == [call.peer.address])
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(2)))
    }

    @Test("D3.3: without a fragment a candidate is of the latest generation")
    func latestGeneration() throws {
        let call = try ScriptedCall()
        try call.start()
        try call.client.addRemoteCandidate(SignalledCandidate(candidate: Self.line, sdpMLineIndex: 0))
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(1)))
    }

    @Test("D2.4: a line of an unknown kind of address is ignored and counted, as in trickle everywhere")
    func unsupported() throws {
        let call = try ScriptedCall()
        try call.start()
        let line = "candidate:1 1 udp 1 host.example 5 typ host"
        try call.client.addRemoteCandidate(SignalledCandidate(candidate: line, sdpMid: "0"))
        #expect(call.client.statistics().ignoredCandidates == 1)
    }
}

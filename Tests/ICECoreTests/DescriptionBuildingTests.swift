import NetBase
import Testing

@testable import ICECore

@Suite("Writing SDP")
struct DescriptionBuildingTests {
    private let parameters: ICEParameters

    init() throws {
        parameters = try ICEParameters(
            usernameFragment: "frag", password: "passwordpasswordpasswd", options: ["ice2", "trickle"])
    }

    @Test("D1.8: before any candidate is known, a description has the placeholders of RFC 8840 §4.1.1 and no a=rtcp")
    func trickle() {
        let session = SessionDescription(parameters: parameters, componentCounts: [2, 1])
        let expected = [
            "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-options:ice2 trickle",
            "m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=mid:0", "a=ice-ufrag:frag",
            "a=ice-pwd:passwordpasswordpasswd",
            "m=application 9 udp octet-stream", "c=IN IP4 0.0.0.0", "a=mid:1", "a=ice-ufrag:frag",
            "a=ice-pwd:passwordpasswordpasswd",
        ]
        #expect(session.description == expected.map { $0 + "\r\n" }.joined())
        #expect(session.componentCount(ofMedia: 0) == 2 && session.componentCount(ofMedia: 1) == 1)
        #expect(!session.hasMismatch(inMedia: 0))
    }

    @Test(
        "D2.8: Ta is named unless it is 50 ms, and never by a lite agent (RFC 8839 §4.3.1, §5.5)",
        arguments: [(nil, false, nil), (50, false, nil), (5, false, 5), (200, false, 200), (5, true, nil)]
            as [(Int?, Bool, Int?)])
    func pacing(interval: Int?, isLite: Bool, written: Int?) throws {
        var parameters = parameters
        parameters.pacingInterval = interval.map { .milliseconds($0) }
        parameters.isLite = isLite
        let text = SessionDescription(parameters: parameters, componentCounts: [1]).description
        #expect(text.contains("a=ice-pacing:") == (written != nil))
        #expect(text.contains("a=ice-lite\r\n") == isLite)
        #expect(try SessionDescription(text).pacingInterval == written.map { .milliseconds($0) })
    }

    @Test("The default destination is the relayed candidate, else the reflexive one, else a host's, IPv4 first")
    func defaults() {
        var session = SessionDescription(parameters: parameters, componentCounts: [1])
        var candidates: [Candidate] = []
        let steps: [(TransportAddress, Candidate.Kind, String)] = [
            ("[2001:db8::1]:5000", .host, "[2001:db8::1]:5000"), ("192.0.2.1:5000", .host, "192.0.2.1:5000"),
            ("198.51.100.1:6000", .serverReflexive, "198.51.100.1:6000"),
            ("[2001:db8::9]:7000", .relayed, "[2001:db8::9]:7000"), ("203.0.113.1:7000", .relayed, "203.0.113.1:7000"),
        ]
        for (address, kind, expected) in steps {
            candidates.append(.sample(address, kind: kind))
            session.setCandidates(candidates, endOfCandidates: false)
            let destination = session.media[0].connection?.ip.map { TransportAddress($0, port: session.media[0].port) }
            #expect(destination?.description == expected)
            #expect(!session.hasMismatch(inMedia: 0))
        }
    }

    @Test("a=rtcp is written where RTCP is not on the next port, with its address where that differs (RFC 3605)")
    func rtcp() {
        func lines(_ second: TransportAddress?) -> [Substring] {
            var session = SessionDescription(parameters: parameters, componentCounts: [2])
            let first = Candidate.sample("192.0.2.1:5000", path: .path(0, 1))
            session.setCandidates(
                [first] + (second.map { [.sample($0, path: .path(0, 2))] } ?? []), endOfCandidates: true)
            return session.description.split(separator: "\r\n").filter { $0.hasPrefix("m=") || $0.hasPrefix("a=rtcp") }
        }
        #expect(lines("192.0.2.1:5001") == ["m=audio 5000 RTP/AVP 0"])
        #expect(lines("192.0.2.1:6001") == ["m=audio 5000 RTP/AVP 0", "a=rtcp:6001"])
        #expect(lines("192.0.2.2:5001") == ["m=audio 5000 RTP/AVP 0", "a=rtcp:5001 IN IP4 192.0.2.2"])
        #expect(lines(nil) == ["m=audio 9 RTP/AVP 0"])
    }

    @Test("TCP candidates are described, but are no destination of a datagram stream")
    func tcpCandidates() {
        var session = SessionDescription(parameters: parameters, componentCounts: [1])
        session.setCandidates([.sample("192.0.2.1:5000", transport: .tcp(.passive))], endOfCandidates: false)
        #expect(session.media[0].port == 9 && session.media[0].candidates.count == 1)
    }

    @Test("Candidates go to their streams and replace earlier ones; the end of candidates follows them")
    func distribution() throws {
        var session = SessionDescription(parameters: parameters, componentCounts: [1, 1])
        session.setCandidates([.sample("192.0.2.9:9999")], endOfCandidates: false)
        session.setCandidates(
            [.sample("192.0.2.1:5000", path: .path(1)), .sample("192.0.2.1:5002", path: .path(0))],
            endOfCandidates: true)
        let read = try SessionDescription(session.description)
        #expect(read.media.map { $0.candidates.map(\.address.port) } == [[5002], [5000]])
        #expect(read.media.map(\.port) == [5002, 5000])
        #expect(read.hasAllCandidates(ofMedia: 0) && read.hasAllCandidates(ofMedia: 1))
        #expect(read == session)
    }

    @Test("A disabled stream gets no ICE attributes (RFC 8839 §4.2.1.6)")
    func disabled() {
        let media = MediaDescription(kind: "video", port: 0, proto: "RTP/SAVPF", formats: ["96"], mid: "v")
        var session = SessionDescription(parameters: parameters, media: [media])
        session.setCandidates([.sample("192.0.2.1:5000")], endOfCandidates: true)
        #expect(session.description.hasSuffix("m=video 0 RTP/SAVPF 96\r\na=mid:v\r\n"))
    }

    @Test("The application's own lines are kept, each where SDP wants its type")
    func otherLines() {
        var media = MediaDescription(kind: "audio", proto: "RTP/SAVPF", formats: ["111"], mid: "x")
        media.otherLines = ["a=rtpmap:111 opus/48000/2", "b=AS:64", "i=voice"]
        media.usesRTCPMultiplexing = true
        var session = SessionDescription(parameters: parameters, media: [media])
        session.otherLines = ["a=group:BUNDLE x", "b=CT:100", "t=1 2", "r=1 1 0", "i=information"]
        let types = session.description.split(separator: "\r\n").map { String($0.prefix(1)) }.joined()
        #expect(types == "vosibtraamicbaaaaa")
        #expect(session.description.contains("a=rtcp-mux\r\n"))
    }

    @Test("D2.9: behind nomination only the chosen candidates remain, and a controlling agent names the peer's")
    func conclusion() throws {
        let own = [Candidate.sample("192.0.2.1:5000"), .sample("198.51.100.1:6000", kind: .serverReflexive)]
        let pair = CandidatePair(
            path: .first, local: own[0], remote: .sample("203.0.113.5:7000"), priority: 1, isNominated: true)
        var session = SessionDescription(parameters: parameters, componentCounts: [1, 1])
        session.setCandidates(own + [.sample("192.0.2.1:5002", path: .path(1))], endOfCandidates: true)
        #expect(session.media[0].port == 6000)
        var controlled = session
        session.conclude(with: [pair], role: .controlling)
        #expect(session.media[0].candidates == [own[0]] && session.media[0].port == 5000)
        #expect(session.description.contains("a=remote-candidates:1 203.0.113.5 7000\r\n"))
        #expect(session.media[1].candidates.count == 1 && session.media[1].remoteCandidates.isEmpty)
        controlled.conclude(with: [pair], role: .controlled)
        #expect(controlled.media[0].candidates == [own[0]] && controlled.media[0].remoteCandidates.isEmpty)
        #expect(try SessionDescription(session.description) == session)
    }

    @Test("A stream with a component that has no nominated pair is left as it was")
    func incompleteConclusion() {
        var session = SessionDescription(parameters: parameters, componentCounts: [2])
        let own = [Candidate.sample("192.0.2.1:5000"), .sample("192.0.2.1:5001", path: .path(0, 2))]
        session.setCandidates(own, endOfCandidates: true)
        let before = session
        let remote = Candidate.sample("203.0.113.5:7000")
        let waiting = CandidatePair(
            path: .path(0, 2), local: own[1], remote: remote, priority: 1, isNominated: false)
        session.conclude(
            with: [
                CandidatePair(path: .first, local: own[0], remote: remote, priority: 1, isNominated: true), waiting,
            ],
            role: .controlling)
        #expect(session == before)
    }
}

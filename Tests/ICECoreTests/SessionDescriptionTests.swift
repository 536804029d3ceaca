import ICECore
import NetBase
import Testing

@Suite("Reading SDP")
struct SessionDescriptionTests {
    /// The shape of RFC 8839 §4.2.6's example, and of what a browser writes, with our own values.
    private static let text = """
        v=0
        o=alice 4211 1 IN IP4 203.0.113.141
        s=call
        c=IN IP4 192.0.2.3
        t=0 0
        a=ice-options:ice2 trickle
        a=ice-pacing:20
        a=ice-pwd:sessionpasswordsession1
        a=ice-ufrag:sess
        m=audio 45664 RTP/AVP 0 8
        b=AS:64
        a=mid:voice
        a=rtpmap:0 PCMU/8000
        a=candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host
        a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998
        a=candidate:2 2 UDP 1694498814 192.0.2.3 45670 typ srflx raddr 203.0.113.141 rport 8999
        a=rtcp:45670
        a=end-of-candidates
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel
        c=IN IP6 ::
        a=mid:data
        a=ice-ufrag:medi
        a=ice-pwd:mediapasswordmediapass1
        a=ice-options:renomination
        a=sctp-port:5000
        """

    @Test("Every ICE attribute finds its place, on the session or on its stream", arguments: ["\n", "\r\n"])
    func fields(lineEnd: String) throws {
        let session = try SessionDescription(Self.text.split(separator: "\n").joined(separator: lineEnd) + lineEnd)
        #expect(session.origin == "alice 4211 1 IN IP4 203.0.113.141" && session.name == "call")
        #expect(session.connection?.ip == IPAddress("192.0.2.3"))
        #expect(session.options == ["ice2", "trickle"] && session.pacingInterval == .milliseconds(20))
        #expect(session.usernameFragment == "sess" && !session.isLite && !session.endOfCandidates)
        #expect(session.otherLines.isEmpty && session.ignoredLines.isEmpty)
        try #require(session.media.count == 2)
        let (audio, data) = (session.media[0], session.media[1])
        #expect(
            audio.kind == "audio" && audio.port == 45664 && audio.proto == "RTP/AVP" && audio.formats == ["0", "8"])
        #expect(audio.mid == "voice" && audio.rtcp == .init(port: 45670) && audio.endOfCandidates)
        #expect(audio.otherLines == ["b=AS:64", "a=rtpmap:0 PCMU/8000"])
        #expect(audio.candidates.map(\.address.port) == [8998, 45664, 45670])
        #expect(data.connection?.isUnspecified == true && data.options == ["renomination"] && !data.endOfCandidates)
        #expect(session.index(ofMID: "data") == 1 && session.index(ofMID: "video") == nil)
    }

    @Test("Candidates belong to the stream they stand below")
    func candidateStreams() throws {
        let line = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\n"
        let session = try SessionDescription("v=0\nm=audio 9 RTP/AVP 0\n\(line)m=video 9 RTP/AVP 96\n\(line)\(line)")
        #expect(session.media.map { $0.candidates.map(\.stream.index) } == [[0], [1, 1]])
    }

    @Test("D2.7: the stream's credentials and pacing override the session's, options add up (RFC 8839 §5.4)")
    func levels() throws {
        let session = try SessionDescription(Self.text)
        let audio = try #require(try session.parameters(for: 0))
        #expect(audio.usernameFragment == "sess" && audio.password == "sessionpasswordsession1")
        #expect(audio.options == ["ice2", "trickle"] && audio.pacingInterval == .milliseconds(20) && !audio.isLite)
        let data = try #require(try session.parameters(for: 1))
        #expect(data.usernameFragment == "medi" && data.password == "mediapasswordmediapass1")
        #expect(data.options == ["ice2", "trickle", "renomination"])
        #expect(try session.parameters(for: 2) == nil && session.parameters(for: -1) == nil)
    }

    @Test("D2.11: credentials that only move between the levels are the same (RFC 8839 §4.4.1.1.1)")
    func levelMove() throws {
        let credentials = "a=ice-ufrag:same\na=ice-pwd:samepasswordsamepasswd\n"
        let above = try SessionDescription("v=0\n\(credentials)m=audio 9 RTP/AVP 0\n")
        let below = try SessionDescription("v=0\nm=audio 9 RTP/AVP 0\n\(credentials)")
        #expect(try above.parameters(for: 0) == below.parameters(for: 0))
        #expect(try above.parameters(for: 0) != nil)
    }

    @Test(
        "D2.10: a stream without credentials, refused, or with ice-mismatch uses no ICE",
        arguments: [
            "v=0\nm=audio 9 RTP/AVP 0\n",
            "v=0\na=ice-ufrag:abcd\na=ice-pwd:passwordpasswordpasswd\nm=audio 0 RTP/AVP 0\n",
            "v=0\na=ice-ufrag:abcd\na=ice-pwd:passwordpasswordpasswd\nm=audio 9 RTP/AVP 0\na=ice-mismatch\n",
        ])
    func withoutICE(text: String) throws {
        #expect(try SessionDescription(text).parameters(for: 0) == nil)
    }

    @Test(
        "Credentials that can't be used are refused without showing the password",
        arguments: [
            "v=0\nm=audio 9 RTP/AVP 0\na=ice-ufrag:abcd\n",
            "v=0\nm=audio 9 RTP/AVP 0\na=ice-pwd:TOPSECRETpasswordpassword\n",
            "v=0\nm=audio 9 RTP/AVP 0\na=ice-ufrag:abc\na=ice-pwd:TOPSECRETpasswordpassword\n",
            "v=0\nm=audio 9 RTP/AVP 0\na=ice-ufrag:abcd\na=ice-pwd:TOPSECRET\n",
            "v=0\nm=audio 9 RTP/AVP 0\na=ice-ufrag:abcd\na=ice-pwd:TOPSECRET password password\n",
            """
            v=0\nm=audio 9 RTP/AVP 0\na=ice-ufrag:abcd\na=ice-pwd:TOPSECRETpasswordpassword
            m=video 9 RTP/AVP 96\na=ice-ufrag:abcd\na=ice-pwd:TOPSECRETbutnotthesame1
            """,
        ])
    func badCredentials(text: String) throws {
        let session = try SessionDescription(text)
        let error = try #require(throws: ICESyntaxError.self) { try session.parameters(for: 0) }
        #expect(!error.description.contains("TOPSECRET"))
        #expect(!String(reflecting: session).contains("TOPSECRET") && !"\(session.media)".contains("TOPSECRET"))
    }

    @Test(
        "Text that is no description is refused",
        arguments: [
            "", "\n\n", "m=audio 9 RTP/AVP 0\n", "v=1\n", " v=0\n", "v=0\nm=audio\n", "v=0\nm=audio x RTP/AVP 0\n",
            "v=0\nm=audio 65536 RTP/AVP 0\n", "v=0\nm=audio -1 RTP/AVP 0\n", "v=0\nm=audio 9/0 RTP/AVP 0\n",
            "v=0\nm=audio 9/2/2 RTP/AVP 0\n", "v=0\nm=audio 9/ RTP/AVP 0\n", "v=0\nm=audio 9\n", "candidate:1",
        ])
    func noDescription(text: String) throws {
        let error = try #require(throws: ICESyntaxError.self) { try SessionDescription(text) }
        #expect(error.code == .malformedDescription)
    }

    @Test("Size and number of streams are bounded")
    func bounds() throws {
        let padding = String(repeating: "x", count: SessionDescription.maximumLength - "v=0\na=".utf8.count)
        #expect(try SessionDescription("v=0\na=\(padding)").otherLines.count == 1)
        #expect(throws: ICESyntaxError.self) { try SessionDescription("v=0\na=\(padding)x") }
        let streams = String(repeating: "m=a 9 udp b\n", count: SessionDescription.maximumMediaCount)
        #expect(try SessionDescription("v=0\n\(streams)").media.count == SessionDescription.maximumMediaCount)
        #expect(throws: ICESyntaxError.self) { try SessionDescription("v=0\n\(streams)m=a 9 udp b\n") }
    }

    @Test(
        "A line that can't be used is left out, and what stands around it is read",
        arguments: [
            "a=candidate:1 1 udp 1 example.org 5000 typ host", "a=candidate:1 1 udp 1 192.0.2.1 typ host",
            "a=candidate:1 1 sctp 1 192.0.2.1 5000 typ host", "a=candidate:1 1 udp 1 192.0.2.1 5000 typ future",
            "a=ice-pacing:fast", "a=ice-pacing:-5", "a=ice-pacing:12345678901", "a=ice-pacing:", "a=rtcp:", "a=rtcp:x",
            "a=rtcp:5001 IN IP4", "a=rtcp:5001 IN IP5 192.0.2.1", "a=remote-candidates:1 192.0.2.1",
            "a=remote-candidates:0 192.0.2.1 5000", "a=remote-candidates:1 example.org 5000", "c=IN IP4 2001:db8::1",
            "c=IN IP7 192.0.2.1", "c=IN IP4", "nonsense", "a", " a=ice-pwd:TOPSECRETpasswordpassword",
        ])
    func ignored(line: String) throws {
        let session = try SessionDescription("v=0\nm=audio 9 RTP/AVP 0\na=mid:a\n\(line)\na=rtcp-mux\n")
        #expect(session.ignoredLines.map(\.number) == [4])
        #expect(!session.ignoredLines.contains { $0.error.description.contains("TOPSECRET") })
        var expected = MediaDescription(kind: "audio", proto: "RTP/AVP", formats: ["0"], mid: "a")
        expected.usesRTCPMultiplexing = true
        #expect(session.media == [expected])
    }

    @Test("A candidate above all streams is left out")
    func candidateOnSession() throws {
        let session = try SessionDescription(
            "v=0\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\nm=audio 9 RTP/AVP 0\n")
        #expect(session.ignoredLines.map(\.number) == [2] && session.media[0].candidates.isEmpty)
    }

    @Test("D1.9: the end of candidates on the session covers every stream, on a stream only that one (RFC 8840 §8)")
    func endOfCandidates() throws {
        let all = try SessionDescription("v=0\na=end-of-candidates\nm=audio 9 RTP/AVP 0\nm=video 9 RTP/AVP 0\n")
        #expect(all.hasAllCandidates(ofMedia: 0) && all.hasAllCandidates(ofMedia: 1))
        let one = try SessionDescription("v=0\nm=audio 9 RTP/AVP 0\nm=video 9 RTP/AVP 0\na=end-of-candidates\n")
        #expect(
            !one.hasAllCandidates(ofMedia: 0) && one.hasAllCandidates(ofMedia: 1) && !one.hasAllCandidates(ofMedia: 2))
    }

    @Test(
        "Components are counted by protocol, RTCP and its multiplexing",
        arguments: [
            ("m=audio 9 RTP/AVP 0", 2), ("m=audio 9 UDP/TLS/RTP/SAVPF 0", 2), ("m=audio 9 RTP/AVP 0\na=rtcp-mux", 1),
            ("m=audio 9 RTP/AVP 0\na=rtcp-mux-only", 1), ("m=audio 9 RTP/AVP 0\nb=RS:0\nb=RR:0", 1),
            ("m=audio 9 RTP/AVP 0\nb=RS:0", 2), ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", 1),
            ("m=application 9 udp wb\na=rtcp:5001", 2), ("m=audio 0 RTP/AVP 0", 0),
            ("m=audio 9 RTP/AVP 0\na=ice-mismatch", 0),
            ("m=application 9 udp wb\na=candidate:1 3 udp 1 192.0.2.1 5000 typ host", 3),
        ])
    func componentCounts(lines: String, count: Int) throws {
        #expect(try SessionDescription("v=0\n\(lines)\n").componentCount(ofMedia: 0) == count)
    }

    @Test("Streams that are not there have no components")
    func componentsOfNothing() throws {
        #expect(try SessionDescription("v=0\n").componentCount(ofMedia: 0) == 0)
    }

    @Test("D2.8: ice-lite and remote-candidates are read")
    func liteAndRemoteCandidates() throws {
        let session = try SessionDescription(
            """
            v=0\na=ice-lite\na=ice-ufrag:abcd\na=ice-pwd:passwordpasswordpasswd
            m=audio 9 RTP/AVP 0\na=remote-candidates:1 192.0.2.3 45664\na=remote-candidates:2 2001:db8::1 45665
            """)
        #expect(try session.parameters(for: 0)?.isLite == true)
        let chosen = session.media[0].remoteCandidates
        #expect(chosen.map(\.component) == [.rtp, .rtcp])
        #expect(chosen.map(\.address.description) == ["192.0.2.3:45664", "[2001:db8::1]:45665"])
    }

    @Test(
        "D2.10: a default destination that no candidate matches is a mismatch, unless it is a placeholder (RFC 8839 §4.2.5)",
        arguments: [
            ("c=IN IP4 192.0.2.1", 5000, "", false), ("c=IN IP4 192.0.2.9", 5000, "", true),
            ("c=IN IP4 192.0.2.1", 5002, "", true), ("c=IN IP4 0.0.0.0", 9, "", false), ("c=IN IP6 ::", 9, "", false),
            ("c=IN IP4 192.0.2.9", 9, "", false), ("c=IN IP4 host.example", 5000, "", false),
            ("c=IN IP4 192.0.2.1", 5000, "a=rtcp:5001", false), ("c=IN IP4 192.0.2.1", 5000, "a=rtcp:5003", true),
            ("c=IN IP4 192.0.2.1", 5000, "a=rtcp:5001 IN IP4 192.0.2.9", true), ("c=IN IP4 192.0.2.9", 0, "", false),
        ])
    func mismatch(connection: String, port: Int, rtcp: String, isMismatch: Bool) throws {
        let session = try SessionDescription(
            """
            v=0\nm=audio \(port) RTP/AVP 0\n\(connection)\n\(rtcp)
            a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host
            a=candidate:1 2 udp 2130706430 192.0.2.1 5001 typ host
            """)
        #expect(session.hasMismatch(inMedia: 0) == isMismatch)
    }

    @Test("Random mutations of a description never crash, and what is read is read again from its own text")
    func mutations() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let original = Array(Self.text.utf8)
        for _ in 0..<2000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes.randomElement(using: &generator) ?? 0, at: index)
                }
            }
            guard let read = try? SessionDescription(String(decoding: bytes, as: UTF8.self)) else { continue }
            let again = try SessionDescription(read.description)
            let message: Comment = "seed \(seed)"
            #expect(again.media.map(\.candidates) == read.media.map(\.candidates), message)
            #expect(again.description == read.description, message)
        }
    }
}

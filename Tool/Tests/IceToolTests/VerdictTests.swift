import ICE
import Testing

@testable import IceTool

struct VerdictTests {
    @Test(
        "What the kinds of candidates mean",
        arguments: [
            (
                [.host, .serverReflexive, .relayed], true, true,
                "host, server-reflexive and relayed: calls will work through most networks"
            ),
            (
                [.host, .relayed], true, true,
                "host and relayed: calls will work through most networks; no NAT was seen"
            ),
            (
                [.host, .relayed], false, true,
                "host and relayed: calls will work through most networks, over the relay"
            ),
            (
                [.host, .serverReflexive], true, true,
                "host and server-reflexive: direct calls will work through most home routers"
            ),
            ([.host], true, true, "host: no NAT was seen"),
            ([.host], false, true, "host: calls will work on the local network only"),
            ([.host], false, false, "host: calls will work on the local network; give --stun"),
            ([], false, true, "no candidates"),
        ] as [(Set<Candidate.Kind>, Bool, Bool, String)])
    func verdicts(kinds: Set<Candidate.Kind>, stunAnswered: Bool, asked: Bool, beginning: String) {
        let verdict = GatherSummary.verdict(kinds: kinds, policy: .all, stunAnswered: stunAnswered, asked: asked)
        #expect(verdict.hasPrefix(beginning), "\(verdict)")
    }

    @Test("Only relayed candidates are all that a policy of relays wants")
    func relays() {
        let verdict = GatherSummary.verdict(kinds: [.relayed], policy: .relay, stunAnswered: false, asked: true)
        #expect(verdict == "relayed: calls will work, all of them over the relay")
    }

    private func candidate(_ line: String, from server: String? = nil) throws -> CandidateFinding {
        CandidateFinding(try Candidate(line), server: server, relayProtocol: nil, milliseconds: 1)
    }

    @Test("A server gave candidates, had nothing new, or failed; an error beside candidates does not count")
    func outcomes() throws {
        let fault = Fault(code: 401, reason: "Unauthorized")
        let summary = GatherSummary(
            urls: ["stun:a", "stun:b", "turn:c", "turn:d"],
            candidates: [
                try candidate("candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"),
                try candidate("candidate:2 1 udp 16777215 198.51.100.1 40000 typ relay", from: "turn:d"),
                try candidate("candidate:3 1 udp 1694498815 203.0.113.5 61234 typ srflx", from: "stun:a"),
            ],
            errors: ["turn:c", "turn:d"].map { ServerErrorFinding(url: $0, code: 401, fault: fault, milliseconds: 2) },
            milliseconds: 3)
        #expect(summary.servers.map(\.outcome) == [.candidates, .nothingNew, .failed, .candidates])
        #expect(summary.servers.map(\.fault) == [nil, nil, fault, nil])
        #expect(!summary.works)
        #expect((summary.host, summary.serverReflexive, summary.relayed) == (1, 1, 1))
        #expect(summary.text(.plain)?.contains("failed  turn:c: 401 Unauthorized") == true)
    }

    @Test(
        "A relayed address that peers elsewhere can't reach is named",
        arguments: [
            ("127.0.0.1", "turn.example.org", "a loopback one"), ("::1", "turn.example.org:3478", "a loopback one"),
            ("10.1.2.3", "198.51.100.1", "private"), ("172.31.0.1", "198.51.100.1:3478", "private"),
            ("192.168.0.9", "turn.example.org", "private"), ("fd00::1", "[2001:db8::1]:3478", "private"),
            ("169.254.1.1", "turn.example.org", "a link-local one"),
            ("fe80::1", "turn.example.org", "a link-local one"),
        ])
    func unreachable(relayed: String, server: String, word: String) throws {
        let remark = Reach.remark(onRelayed: try #require(IPAddress(relayed)), of: server)
        #expect(
            remark
                == "the relayed address is \(word): peers elsewhere can't reach it; "
                + "set relay-ip or external-ip on the server"
        )
    }

    @Test("Public relayed addresses are not remarked on, nor is a server told to change that is private itself")
    func reachable() throws {
        for relayed in ["198.51.100.1", "172.32.0.1", "11.0.0.1", "2001:db8::1"] {
            #expect(Reach.remark(onRelayed: try #require(IPAddress(relayed)), of: "10.0.0.1") == nil, "\(relayed)")
        }
        let address = try #require(IPAddress("10.0.0.1"))
        for server in ["10.0.0.1", "192.168.1.1:3478", "localhost", "[::1]:3478"] {
            #expect(Reach.remark(onRelayed: address, of: server)?.hasSuffix("can't reach it") == true, "\(server)")
        }
    }

    @Test("The remark stands in the summary of gathering, which works all the same")
    func remark() throws {
        let line = "candidate:2 1 udp 16777215 10.0.0.1 40000 typ relay"
        func summary(_ url: String) throws -> GatherSummary {
            GatherSummary(urls: [url], candidates: [try candidate(line, from: url)], errors: [], milliseconds: 3)
        }
        let found = try summary("turn:turn.example.org:3478?transport=tcp")
        #expect(found.works && found.text(.plain)?.contains("is private: peers elsewhere") == true)
        #expect(try summary("turn:10.0.0.1?transport=tcp").remark?.contains("as the server's is") == true)
    }

    @Test("With --all-transports one of each host's is enough")
    func transports() {
        func finding(_ host: String, _ works: Bool) -> RelayFinding {
            var finding = RelayFinding(url: "turn:\(host)", host: host, transport: "udp")
            finding.works = works
            return finding
        }
        let mixed = [finding("a", true), finding("a", false), finding("b", true)]
        #expect(!TURNCheckSummary.works(mixed, ofEachServer: false))
        #expect(TURNCheckSummary.works(mixed, ofEachServer: true))
        #expect(!TURNCheckSummary.works(mixed + [finding("c", false)], ofEachServer: true))
    }

    @Test("What was found out of a NAT is told, and what was not")
    func nat() {
        var finding = NATFinding(localAddress: "192.168.1.2:50000", meaning: "direct calls work")
        finding.publicAddress = "203.0.113.5:61234"
        finding.preservesPort = false
        finding.mapping = "endpoint-independent"
        finding.mappingLifetime = NATFinding.Lifetime(atLeast: 112, lessThan: 123)
        finding.gaps = ["the server has no second address to test with"]
        #expect(
            finding.text(.plain) == """
                here            192.168.1.2:50000
                outside         203.0.113.5:61234 (another port)
                mapping         endpoint-independent
                mappings last   112 to 123 s
                not found out   the server has no second address to test with
                verdict         direct calls work
                """)
    }
}

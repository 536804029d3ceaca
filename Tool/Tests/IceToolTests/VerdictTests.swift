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

import ICE

/// What came of gathering, and what it means for calls.
struct GatherSummary: Finding {
    /// What came of one server.
    struct Server: Encodable, Equatable {
        enum Outcome: String, Encodable {
            /// It gave candidates.
            case candidates
            /// It answered with what was known already, as where there is no NAT or another server was faster.
            case nothingNew = "nothing-new"
            case failed
        }

        let url: String
        let outcome: Outcome
        let fault: Fault?
    }

    let type = "summary"
    let works: Bool
    let host: Int
    let serverReflexive: Int
    let relayed: Int
    let servers: [Server]
    let verdict: String
    /// What is to be said of relayed addresses that peers elsewhere can't reach.
    let remark: String?
    let milliseconds: Double

    init(
        urls: [String], policy: ICEConfiguration.TransportPolicy = .all, candidates: [CandidateFinding],
        errors: [ServerErrorFinding], milliseconds: Double
    ) {
        servers = urls.map { url in
            let gave = candidates.contains { $0.server == url }
            let error = errors.first { $0.url == url }
            // An error beside candidates is that of one of several addresses.
            let outcome: Server.Outcome = gave ? .candidates : error == nil ? .nothingNew : .failed
            return Server(url: url, outcome: outcome, fault: gave ? nil : error?.fault)
        }
        host = candidates.count { $0.kind == .host }
        serverReflexive = candidates.count { $0.kind == .serverReflexive }
        relayed = candidates.count { $0.kind == .relayed }
        works = !candidates.isEmpty && servers.allSatisfy { $0.outcome != .failed }
        verdict = Self.verdict(
            kinds: Set(candidates.map(\.kind)), policy: policy,
            stunAnswered: servers.contains { $0.outcome != .failed && $0.url.hasPrefix("stun") },
            asked: !urls.isEmpty)
        remark =
            candidates.filter { $0.kind == .relayed }.lazy.compactMap { candidate in
                // Behind the scheme, and before the transport.
                let server = candidate.server?.drop { $0 != ":" }.dropFirst().prefix { $0 != "?" } ?? ""
                return IPAddress(candidate.address).flatMap { Reach.remark(onRelayed: $0, of: String(server)) }
            }.first
        self.milliseconds = milliseconds
    }

    func text(_ style: Style) -> String? {
        var lines = [
            "\(host) host, \(serverReflexive) server-reflexive, \(relayed) relayed in \(Quantity.milliseconds(milliseconds))"
        ]
        for server in servers {
            switch server.outcome {
            case .candidates: lines.append("\(style.good("ok    "))  \(server.url)")
            case .nothingNew:
                lines.append("\(style.good("ok    "))  \(server.url): it answered, and showed nothing new")
            case .failed: lines.append("\(style.bad("failed"))  \(server.url): \(server.fault?.message ?? "")")
            }
        }
        lines.append(style.strong(verdict))
        if let remark { lines.append("but \(remark)") }
        return lines.joined(separator: "\n")
    }
}

extension GatherSummary {
    /// What kinds of candidates mean for calls, in a sentence.
    static func verdict(
        kinds: Set<Candidate.Kind>, policy: ICEConfiguration.TransportPolicy, stunAnswered: Bool, asked: Bool
    ) -> String {
        let (host, reflexive, relay) = (
            kinds.contains(.host), kinds.contains(.serverReflexive), kinds.contains(.relayed)
        )
        let names = [(host, "host"), (reflexive, "server-reflexive"), (relay, "relayed")].filter(\.0).map(\.1)
        let found = names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " and " + names.last!
        return found.isEmpty ? "no candidates: calls will not work" : "\(found): \(meaning())"

        func meaning() -> String {
            switch (host, reflexive, relay) {
            case (true, true, true): "calls will work through most networks"
            case (false, false, true) where policy == .relay: "calls will work, all of them over the relay"
            case (_, _, true):
                stunAnswered && !reflexive
                    ? "calls will work through most networks; no NAT was seen in front of this machine"
                    : "calls will work through most networks, over the relay where no direct way is found"
            case (_, true, false):
                "direct calls will work through most home routers; without a relay they fail behind symmetric NATs and strict firewalls"
            case (_, false, false) where stunAnswered:
                "no NAT was seen in front of this machine; without a relay calls to peers behind strict firewalls fail"
            case (_, false, false):
                asked
                    ? "calls will work on the local network only, as no server gave anything"
                    : "calls will work on the local network; give --stun and --turn to see how far they reach"
            }
        }
    }
}

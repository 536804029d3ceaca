extension Attempt {
    // MARK: Failures that say why

    /// Whether more pairs failed with a word than in silence.
    var failsWithWord: Bool {
        pairs.count { $0.failure != nil } - mutePairs.count { $0.failure != nil } > mutePairs.count
    }

    var failuresWithWord: [Finding] {
        [
            "permissionRefused", "addressLost", "relayLost", "unreachable", "refused", "errorResponse", "asymmetric",
            "roleConflict",
        ]
        .compactMap(failures(because:))
    }

    private func failures(because reason: String) -> Finding? {
        let pairs = pairs(failedBecause: reason)
        guard !pairs.isEmpty else { return nil }
        let messages = Dictionary(grouping: pairs) { $0.failure?.message ?? "" }.sorted {
            $0.value.count > $1.value.count
        }
        let evidence = messages.prefix(5).map { message, pairs in
            Finding.Evidence(
                "\(pairs.count.of("pair")), such as \(pairs[0].text): \(message)", pairs.compactMap { $0.failure?.line }
            )
        }
        let (title, advice) = Self.words(forFailure: reason, count: pairs.count)
        return Finding(code: reason, title: title, evidence: evidence, advice: advice)
    }

    private static func words(forFailure reason: String, count: Int) -> (String, [String]) {
        let pairs = count.of("pair")
        switch reason {
        case "permissionRefused":
            return (
                "the relay refused permission for the peer's address (\(pairs))",
                ["Ask whoever runs the TURN server which peers it lets in: private addresses are often forbidden."]
            )
        case "addressLost":
            return (
                "a local address went away (\(pairs))",
                ["Look at this machine's network; gatheringPolicy .continually takes up new addresses."]
            )
        case "relayLost":
            return (
                "the TURN server gave a relay up, or is gone (\(pairs))",
                ["Look at the TURN server: was it restarted, did the allocation run out?"]
            )
        case "unreachable":
            return (
                "the network says that there is no way to the peer (\(pairs))",
                ["Look at this machine's routes and interfaces; the address may belong to another network."]
            )
        case "refused":
            return (
                "nobody listens at the peer's address (\(pairs))",
                ["The peer may have ended, or its NAT sends the checks elsewhere: look at the peer."]
            )
        case "errorResponse":
            return (
                "the peer answered with an error (\(pairs))",
                ["The error's text says what the peer did not like; its log may say more."]
            )
        case "asymmetric":
            return (
                "answers came from another address than was asked (\(pairs))",
                ["A NAT or load balancer answers in the peer's place: look at what is between the two."]
            )
        default:
            return (
                "the two agents could not agree on who controls (\(pairs))",
                ["Give one side the role controlling and the other controlled."]
            )
        }
    }

    // MARK: Almost there

    /// Some component has a pair that works and another has none.
    var halfWay: Finding? {
        let paths = Set(pairs.map(\.path)).sorted()
        let dead = paths.filter { path in !pairs.contains { $0.path == path && $0.hasSucceeded } }
        guard !dead.isEmpty, dead.count < paths.count else { return nil }
        return Finding(
            code: "component-without-pair", title: "\(dead[0].description) found no pair that works",
            evidence: [Finding.Evidence("\((paths.count - dead.count).of("component")) of \(paths.count) did")],
            advice: ["With rtcp-mux and BUNDLE one component is enough for everything."])
    }

    var noNomination: Finding? {
        let working = pairs.filter(\.hasSucceeded)
        guard !working.isEmpty, halfWay == nil, !pairs.contains(where: { !$0.selectedAt.isEmpty }) else { return nil }
        return Finding(
            code: "not-selected", title: "\(working.count.of("pair")) worked, but none was selected",
            evidence: working.prefix(4).map { Finding.Evidence("\($0.text) answered", $0.checks.map(\.line)) },
            advice: ["Look whether the controlling side nominates: its trace has checks with USE-CANDIDATE."])
    }
}

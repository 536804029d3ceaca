extension Attempt {
    /// Why this try found no path, the most telling first.
    ///
    /// What lies nearest to the beginning of a call is told first: a peer that has no candidates needs no word on firewalls.
    var causes: [Finding] {
        let before: [Finding?] = [
            noLocalCandidates, noCredentials, noCandidatesOfPeer, noUsableCandidate, noFit, noChecks,
        ]
        let mute: [Finding?] = [blockedUDP, oneWay, silence]
        let words = failuresWithWord
        let found =
            before + [wrongPassword, refusedByUs] + (failsWithWord ? words + mute : mute + words) + [
                halfWay, noNomination,
            ]
        let causes = found.compactMap { $0 }
        return causes.isEmpty ? [underWay] : causes
    }

    // MARK: Before any check

    private var noLocalCandidates: Finding? {
        guard local.isEmpty else { return nil }
        let errors = serverErrors.map {
            Finding.Evidence("\($0.url.isEmpty ? "here" : $0.url): \($0.message)", [$0.line])
        }
        return Finding(
            code: "no-local-candidates", title: "this machine gathered no candidate",
            evidence: [
                Finding.Evidence(
                    gatheringEnded ? "gathering ended without a single candidate" : "gathering did not end")
            ] + errors,
            advice: [
                "Look whether the machine has a network address that the configuration lets it use (includesLoopback, localAddresses, shouldUseInterface).",
                "With transportPolicy .relay, a TURN server has to answer: look at the errors of servers.",
            ])
    }

    private var noCredentials: Finding? {
        guard generation.remoteParameters == nil, answered.isEmpty else { return nil }
        var evidence = [Finding.Evidence("no username fragment and password of the peer became known")]
        if generation.number > 0 {
            evidence.append(
                Finding.Evidence("this agent restarted (generation \(generation.number))", [generation.line]))
        }
        if !signalled.isEmpty {
            evidence.append(
                Finding.Evidence(
                    "\(signalled.count.of("candidate")) of the peer came all the same", signalled.map(\.line)))
        }
        if !received.isEmpty {
            evidence.append(
                Finding.Evidence(
                    "\(received.count.of("check")) of the peer came: it has this agent's credentials",
                    received.map(\.line)))
        }
        return Finding(
            code: "no-remote-credentials", title: "the peer's credentials never came", evidence: evidence,
            advice: ["Look at signalling: the peer's localParameters have to reach setRemoteParameters() here."])
    }

    private var noCandidatesOfPeer: Finding? {
        guard remote.isEmpty else { return nil }
        var evidence: [Finding.Evidence] = []
        if let end = generation.endOfCandidates {
            evidence.append(
                Finding.Evidence(
                    "the peer said at \(end.time.asTime) that it has no more candidates, and had named none", [end.line]
                ))
        } else {
            evidence.append(
                Finding.Evidence("neither a candidate of the peer nor the end of its candidates was signalled"))
        }
        if let parameters = generation.remoteParameters {
            evidence.append(
                Finding.Evidence("the peer's credentials came at \(parameters.time.asTime)", [parameters.line]))
        }
        evidence.append(Finding.Evidence("no check of the peer came here that would have shown where it is"))
        evidence += failure.map { [$0.evidence] } ?? []
        return Finding(
            code: "no-remote-candidates", title: "the peer signalled no candidates", evidence: evidence,
            advice: [
                generation.endOfCandidates == nil
                    ? "Look at signalling: what the peer's onCandidate tells has to reach addRemoteCandidate() here."
                    : "Look at the peer: it found no address of its own to offer (see its trace, its network, its transport policy).",
                "Save a trace at the peer too: its local-candidate lines say what it had to tell.",
            ])
    }

    private var noUsableCandidate: Finding? {
        guard !ignored.isEmpty, usable.isEmpty else { return nil }
        let reasons = Dictionary(grouping: ignored) { $0.ignoredBecause ?? "unknown" }
        return Finding(
            code: "no-usable-candidate", title: "none of the peer's \(ignored.count.of("candidate")) could be used",
            evidence: reasons.sorted { $0.key < $1.key }.map { reason, candidates in
                Finding.Evidence(
                    "\(candidates.count.of("candidate")) \(Self.words(forIgnored: reason)), such as \(candidates[0].description)",
                    candidates.map(\.line))
            },
            advice: advice(forIgnored: Set(reasons.keys)))
    }

    private func advice(forIgnored reasons: Set<String>) -> [String] {
        var advice: [String] = []
        if reasons.contains("transport") {
            advice.append(
                "For calls over TCP, put .tcp into transports at both sides; else let the peer gather UDP candidates.")
        }
        if !reasons.isDisjoint(with: ["generation", "late"]) {
            advice.append(
                "Look at signalling around a restart: candidates go with the parameters that were signalled before them."
            )
        }
        if reasons.contains("name") {
            advice.append("Set multicastDNS to .resolve, or give both sides a STUN or TURN server.")
        }
        if reasons.contains("unresolved") {
            advice += [
                "Names that end in .local work on one local network only: give both sides a STUN or TURN server.",
                "If both are on one network, look whether multicast (UDP port 5353) passes between them.",
            ]
        }
        guard advice.isEmpty else { return advice }
        return ["Let the peer gather UDP candidates of an address that this machine can reach."]
    }

    static func words(forIgnored reason: String) -> String {
        switch reason {
        case "transport": "are for TCP, which this side does not use"
        case "address": "have an address or a port that nothing can be sent to"
        case "component": "are for a stream or a component that there is not"
        case "generation": "have another username fragment than the peer's parameters"
        case "late": "came behind the end of candidates"
        case "closed": "came when the session was over"
        case "name": "hide behind a name that is not looked up here"
        // Of traces that were saved by earlier versions.
        case "unusable": "can't be used here (TCP, another generation, no address to send to)"
        case "unresolved": "hide behind a .local name that nobody answered for"
        case "limit": "were beyond the limit of maximumRemoteCandidates"
        case "duplicate": "were known already"
        default: "were left out (\(reason))"
        }
    }

    private var noFit: Finding? {
        guard !usable.isEmpty, !local.isEmpty, pairs.isEmpty else { return nil }
        func families(_ candidates: [CandidateRecord]) -> String {
            let names = Set(candidates.compactMap(\.family)).sorted().joined(separator: " and ")
            return names.isEmpty ? "names" : names
        }
        return Finding(
            code: "no-pairs", title: "no candidate here fits one of the peer's",
            evidence: [
                Finding.Evidence("here: \(local.count.of("candidate")), \(families(local))", local.map(\.line)),
                Finding.Evidence("the peer: \(usable.count.of("candidate")), \(families(usable))", usable.map(\.line)),
            ] + (failure.map { [$0.evidence] } ?? []),
            advice: ["An IPv4 address can't talk to an IPv6 one: a TURN server that relays both families bridges them."]
        )
    }

    private var noChecks: Finding? {
        guard !pairs.isEmpty, checks.isEmpty, generation.remoteParameters != nil else { return nil }
        return Finding(
            code: "no-checks", title: "no check was sent",
            evidence: [Finding.Evidence("\(pairs.count.of("pair")) waited, and none was ever checked")],
            advice: ["Call processCandidates(): the checks begin with it."])
    }

    // MARK: When all is still open

    private var underWay: Finding {
        var evidence = [
            Finding.Evidence(
                "\(pairs.count.of("pair")), of which \(pairs.count { $0.state == "in-progress" }) being checked")
        ]
        evidence += failure.map { [$0.evidence] } ?? []
        return Finding(
            code: "under-way", title: failure == nil ? "the checks were still under way" : "no pair worked",
            evidence: evidence, advice: ["Let the call run on for some 40 s, until every check has had its time."])
    }
}

extension Call.StateChange {
    /// What the library says itself. Its advice is left out: the whole trace tells more.
    var evidence: Finding.Evidence {
        Finding.Evidence("the state became \(state) at \(time.asTime)\(reason.map { " (\($0))" } ?? "")", [line])
    }
}

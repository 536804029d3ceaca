extension Attempt {
    /// Pairs of whose checks nothing was heard: neither an answer nor why there is none.
    var mutePairs: [PairRecord] {
        pairs.filter { pair in
            !pair.checks.isEmpty && (pair.failure?.reason ?? "timeout") == "timeout"
        }
    }

    private var isDeaf: Bool {
        !mutePairs.isEmpty && received.isEmpty && turnedAway.isEmpty
            && checks.allSatisfy { $0.answeredAt == nil && $0.disregarded.isEmpty }
    }

    /// Not even the servers answered.
    var blockedUDP: Finding? {
        guard isDeaf, !silentServers.isEmpty, !hasReflexive, silenceOnUDP else { return nil }
        return Finding(
            code: "udp-blocked",
            title: "UDP seems blocked here: neither the peer nor a server answered anything",
            evidence: silentServers.map { Finding.Evidence("\($0.url): \($0.code) \($0.message)", [$0.line]) }
                + silenceEvidence,
            advice: [
                "UDP seems to be blocked on this side: try a STUN server from here by itself, and ask whose firewall it is.",
                hasRelay
                    ? "The TURN server was reached another way; look why its pairs failed below."
                    : "Where UDP can't be opened, a TURN server over TCP or TLS gets through: turns:…?transport=tcp.",
            ])
    }

    /// A relayed candidate that came over UDP would say otherwise.
    private var silenceOnUDP: Bool {
        !local.contains {
            $0.kind == "relay" && $0.url?.contains("transport=tcp") != true && $0.url?.hasPrefix("turns:") != true
        }
    }

    var silence: Finding? {
        guard isDeaf, blockedUDP == nil else { return nil }
        return Finding(
            code: "silence", title: "no answer from any pair: no check was answered, and none came from the peer",
            evidence: silenceEvidence, advice: silenceAdvice)
    }

    private var silenceEvidence: [Finding.Evidence] {
        let sent = checks.reduce(0) { $0 + $1.sentAt.count }
        var evidence = [
            Finding.Evidence(
                "\(sent.of("request")) went out over \(pairs.count { !$0.checks.isEmpty }.of("pair")), and no answer came",
                checks.map(\.line)),
            Finding.Evidence(
                "no check of the peer came here: it may not have this side's candidates, or a firewall is in between"),
        ]
        let timedOut = pairs(failedBecause: "timeout")
        if !timedOut.isEmpty {
            let places = Set(timedOut.map(\.remote)).sorted()
            let shown = places.prefix(4).joined(separator: ", ") + (places.count > 4 ? ", …" : "")
            evidence.append(
                Finding.Evidence(
                    "\(timedOut.count == pairs.count ? "every check" : timedOut.count.of("check")) timed out, to \(shown)",
                    timedOut.compactMap { $0.failure?.line }))
        }
        if hasReflexive {
            evidence.append(
                Finding.Evidence(
                    "a STUN server answered, so UDP gets out of this network",
                    local.filter { $0.kind == "srflx" }.map(\.line)))
        }
        return evidence + (failure.map { [$0.evidence] } ?? [])
    }

    private var silenceAdvice: [String] {
        var advice = [
            "Look at the peer's trace: if it sent checks, a firewall or NAT dropped them; if it sent none, this side's candidates did not reach it."
        ]
        if !takesPartInRelay {
            advice.append("Neither side has a relay: add a TURN server, and calls get through what drops these checks.")
        }
        return advice
    }

    /// What the peer sends comes; what we send does not, or its answers do not.
    var oneWay: Finding? {
        guard !received.isEmpty, !checks.isEmpty, disregarded.isEmpty,
            checks.allSatisfy({ $0.answeredAt == nil })
        else { return nil }
        return Finding(
            code: "one-way", title: "the peer's checks come here, but none of this side's is answered",
            evidence: [
                Finding.Evidence(
                    "\(received.count.of("check")) of the peer came and had the right credentials", received.map(\.line)
                ),
                Finding.Evidence(
                    "\(checks.reduce(0) { $0 + $1.sentAt.count }.of("request")) of this side got no answer",
                    checks.map(\.line)),
            ] + (failure.map { [$0.evidence] } ?? []),
            advice: [
                "One way is closed: a firewall here drops what goes out, or one at the peer what comes in, or the answers are lost.",
                "Look at the peer's trace whether this side's checks reach it.",
            ])
    }
}

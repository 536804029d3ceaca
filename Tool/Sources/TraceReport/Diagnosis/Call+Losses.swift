extension Call {
    /// Why a path that worked was lost.
    var losses: [Finding] {
        guard let last = lastState, let selection = selections.last(where: { $0.time <= last.time }),
            let pair = pair(selection.pair)
        else { return [] }
        let reason = last.reason ?? pair.failure?.reason ?? restartsNeeded.last?.text ?? ""
        // How a loss shows itself is worth telling where nobody says what it comes from.
        let isSilence = !["relayLost", "addressLost", "consentRevoked"].contains(reason)
        let lostAt = pair.consentLostAt ?? pair.failure?.time ?? last.time
        var evidence = [
            Finding.Evidence("data went over \(selection.text) from \(selection.time.asTime) on", [selection.line])
        ]
        if isSilence { evidence += signs(of: pair) }
        if let failure = pair.failure {
            let words = [failure.reason, failure.message].compactMap { $0 }.joined(separator: ": ")
            evidence.append(Finding.Evidence("the pair failed at \(failure.time.asTime): \(words)", [failure.line]))
        }
        if let needed = restartsNeeded.last(where: { $0.time <= last.time }) {
            evidence.append(
                Finding.Evidence("a restart was asked for at \(needed.time.asTime): \(needed.text)", [needed.line]))
        }
        evidence.append(last.evidence)
        let (code, title, advice) = words(forLoss: reason, of: pair, at: lostAt.asTime)
        return [Finding(code: code, title: title, evidence: evidence, advice: advice)]
    }

    /// When the peer was heard last, and what was in vain since.
    private func signs(of pair: PairRecord) -> [Finding.Evidence] {
        var evidence: [Finding.Evidence] = []
        let answers = pair.checks.filter(\.isAnswered)
        let lastAnswer = answers.compactMap(\.answeredAt).max()
        if let lastAnswer {
            evidence.append(
                Finding.Evidence("the peer's last answer came at \(lastAnswer.asTime)", answers.suffix(1).map(\.line)))
        }
        let since = lastAnswer ?? 0
        let vain = pair.checks.filter { !$0.isAnswered && $0.firstSentAt >= since }
        if !vain.isEmpty {
            evidence.append(Finding.Evidence("\(vain.count.of("request")) after that got no answer", vain.map(\.line)))
        }
        let doubted = pair.checks.flatMap(\.disregarded).filter { $0.time >= since }
        if !doubted.isEmpty {
            let codes = Set(doubted.compactMap(\.code)).sorted().map(String.init).joined(separator: ", ")
            evidence.append(
                Finding.Evidence(
                    "\(doubted.count.of("answer")) since then could not be believed\(codes.isEmpty ? "" : " (error \(codes))")",
                    doubted.map(\.line)))
        }
        let heard = pair.received.filter { $0.time > since }
        if let first = heard.first {
            evidence.append(
                Finding.Evidence(
                    "the peer's own checks still came: \(heard.count), the last at \((heard.last ?? first).time.asTime)",
                    heard.suffix(2).map(\.line)))
        } else if lastAnswer != nil {
            evidence.append(Finding.Evidence("nothing of the peer's own came after that either"))
        }
        return evidence
    }

    private func words(forLoss reason: String, of pair: PairRecord, at time: String) -> (String, String, [String]) {
        let since = pair.checks.filter(\.isAnswered).compactMap(\.answeredAt).max() ?? 0
        let knowsUsNot = pair.checks.contains { $0.disregarded.contains { $0.time >= since && $0.code == 401 } }
        let stillHeard = pair.received.contains { $0.time > since }
        switch reason {
        case "consentExpired" where knowsUsNot:
            return (
                "consent-expired", "consent expired at \(time), as the peer answers 401: it has begun another session",
                ["Signal the peer's new credentials after it has restarted, and restart here as well."]
            )
        case "consentExpired":
            let silence = "the peer stopped answering at \(since.asTime)"
            return (
                "consent-expired", "consent expired at \(time), \(silence)",
                stillHeard
                    ? [
                        "Only one way is open since then: look at what drops this side's packets, or the peer's answers."
                    ]
                    : [
                        "Look at the peer's trace: did it end, lose its network, or send without getting here?",
                        "restart() finds another way if there is one; with gatheringPolicy .continually and restartsByItself it does so by itself.",
                    ]
            )
        case "consentRevoked":
            return (
                "consent-revoked", "the peer took back its consent with 403, at \(time)",
                ["The peer wants nothing more to be sent here: it has ended the call on purpose."]
            )
        case "relayLost":
            return (
                "relay-lost", "the selected pair's relay was gone at \(time)",
                ["Look at the TURN server: was it restarted, did the allocation run out?"]
            )
        case "addressLost":
            return (
                "address-lost", "this machine lost the address that the pair used, at \(time)",
                ["Restart ICE once there is a network again, or gather continually."]
            )
        default:
            let what =
                lastState?.state == "disconnected"
                ? "the peer has been silent since \(since.asTime)" : "the path stopped working at \(time)"
            return (
                "path-lost", what,
                ["Look at the peer's trace for the same moment; restart() finds another way if there is one."]
            )
        }
    }
}

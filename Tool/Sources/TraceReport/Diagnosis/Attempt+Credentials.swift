extension Attempt {
    /// The peer turns our checks away.
    var wrongPassword: Finding? {
        let unsigned = pairs(failedBecause: "integrity")
        let refusals = disregarded.filter { $0.code == 401 }
        guard answered.isEmpty, !unsigned.isEmpty || !refusals.isEmpty else { return nil }
        var evidence: [Finding.Evidence] = []
        if !refusals.isEmpty {
            evidence.append(
                Finding.Evidence(
                    "the peer answered 401 to \(refusals.count.of("request")): they carry another username or password than its own",
                    refusals.map(\.line)))
        }
        if !unsigned.isEmpty {
            evidence.append(
                Finding.Evidence(
                    "\(unsigned.count.of("pair")) failed since no answer was signed with the peer's password",
                    unsigned.compactMap { $0.failure?.line }))
        }
        if !received.isEmpty {
            evidence.append(
                Finding.Evidence(
                    "\(received.count.of("check")) of the peer came and had the right password: the peer knows this side's credentials",
                    received.map(\.line)))
        }
        evidence.append(contentsOf: turnedAwayEvidence)
        evidence += failure.map { [$0.evidence] } ?? []
        return Finding(
            code: "wrong-password",
            title: "wrong password: \(max(refusals.count, 1).of("check was", "checks were")) refused by the peer",
            evidence: evidence,
            advice: [
                "Compare what setRemoteParameters() got here with the peer's localParameters: they may be of another call, cut short, or of before a restart.",
                "The way between the two is open, as answers come: this is no matter of firewalls.",
            ])
    }

    /// We turn the peer's checks away.
    var refusedByUs: Finding? {
        guard !turnedAway.isEmpty, received.isEmpty, disregarded.isEmpty, pairs(failedBecause: "integrity").isEmpty,
            answered.isEmpty
        else { return nil }
        return Finding(
            code: "peer-has-wrong-password",
            title: "wrong password: \(turnedAway.count.of("check was", "checks were")) of the peer's refused here",
            evidence: turnedAwayEvidence,
            advice: ["Compare what the peer was told as this side's credentials with localParameters here."])
    }

    private var turnedAwayEvidence: [Finding.Evidence] {
        guard !turnedAway.isEmpty else { return [] }
        return [
            Finding.Evidence(
                "\(turnedAway.count.of("check")) of the peer came with other credentials than this agent's, and got 401",
                turnedAway.map(\.line))
        ]
    }
}

// What is worth knowing whether or not a call came about.

extension Attempt {
    /// Servers that gave nothing, each with what its error means.
    var serverRemarks: [Finding] {
        serverErrors.filter { !$0.url.isEmpty }.map { error in
            let what = error.url.hasPrefix("turn") ? "TURN" : "STUN"
            let (title, advice) = Self.words(for: error.code, what)
            return Finding(
                code: "server-\(error.code)", title: "\(title) (\(error.code)): \(error.url)",
                evidence: [Finding.Evidence("at \(error.time.asTime): \(error.message)", [error.line])],
                advice: [advice])
        }
    }

    private static func words(for code: Int, _ what: String) -> (String, String) {
        switch code {
        case 701:
            (
                "\(what) server unreachable",
                "Check its name, port and transport, and whether a firewall lets this machine reach it."
            )
        case 600: ("\(what) server of another address family", "Give it an address of a family that this machine has.")
        case 401, 441:
            (
                "\(what) server refused the credentials",
                "Check the username and the credential, and whether their time has passed."
            )
        case 403: ("\(what) server forbids it", "Ask whoever runs the server.")
        case 486: ("allocation quota of the user reached", "Close other allocations, or use another server.")
        case 508: ("\(what) server is full", "Try again later, or use another server.")
        default: ("\(what) server answered with an error", "Its log may say more.")
        }
    }

    /// A call may seem well from here whose peer is at a loss.
    var refusalRemarks: [Finding] {
        guard let last = turnedAway.last, last.time > (received.map(\.time).max() ?? 0) else { return [] }
        return [
            Finding(
                code: "peer-refused",
                title:
                    "\(turnedAway.count.of("check")) of the peer's had to be refused with 401, up to \(last.time.asTime)",
                evidence: [
                    Finding.Evidence(
                        "they carry another username or password than this agent's", turnedAway.map(\.line)),
                    Finding.Evidence(
                        "\(received.count.of("check")) of the peer's came with the right ones", received.map(\.line)),
                ],
                advice: ["Compare what the peer was told as this side's credentials with localParameters here."])
        ]
    }

    /// What of the networks made it hard.
    var networkRemarks: [Finding] { [manyPorts, onlyPrivate, unresolved].compactMap { $0 } }

    /// One socket that two servers saw at two ports is behind a NAT whose ports can't be foretold.
    private var manyPorts: Finding? {
        let reflexive = Dictionary(grouping: local.filter { $0.kind == "srflx" }) { "\($0.socket)\($0.family ?? "")" }
        let seen = reflexive.sorted { $0.key < $1.key }.first { Set($0.value.map(\.place)).count > 1 }?.value
        guard let seen else { return nil }
        return Finding(
            code: "symmetric-nat", title: "the NAT here gives every destination another port",
            evidence: [
                Finding.Evidence(
                    "one socket was seen at \(Set(seen.map(\.place)).sorted().joined(separator: " and "))",
                    seen.map(\.line))
            ],
            advice: ["Peers behind such a NAT, or behind a strict one, are reached over a TURN server only."])
    }

    private var onlyPrivate: Finding? {
        // Where anything came from the peer, it was found.
        let isHeard = !received.isEmpty || !turnedAway.isEmpty || checks.contains { $0.answeredAt != nil }
        guard !isHeard, disregarded.isEmpty, !usable.isEmpty, usable.allSatisfy(\.isPrivate),
            !usable.contains(where: \.isHidden)
        else { return nil }
        return Finding(
            code: "private-only", title: "the peer told addresses of private networks only",
            evidence: [
                Finding.Evidence(usable.prefix(4).map(\.description).joined(separator: ", "), usable.map(\.line))
            ],
            advice: ["Unless both are on that network, the peer needs a STUN or TURN server to be found."])
    }

    private var unresolved: Finding? {
        let names = ignored.filter { $0.ignoredBecause == "unresolved" }
        guard !names.isEmpty, !usable.isEmpty else { return nil }
        return Finding(
            code: "unresolved-names", title: "\(names.count.of("name")) of the peer's could not be looked up",
            evidence: [Finding.Evidence(names.prefix(4).map(\.place).joined(separator: ", "), names.map(\.line))],
            advice: ["Names that end in .local work on one local network only."])
    }

    private func whose(_ pair: PairRecord) -> String {
        let own = local.first { $0.kind == "relay" && $0.id == pair.localID }
        let sides = [
            pair.local.hasSuffix("(relay)") ? "this side's\(own?.url.map { ", of \($0)" } ?? "")" : nil,
            pair.remote.hasSuffix("(relay)") ? "the peer's" : nil,
        ]
        return "the relay is \(sides.compactMap { $0 }.joined(separator: ", and "))"
    }

    /// Why a call that has come about goes over a relay.
    func relayRemarks(_ call: Call) -> [Finding] {
        guard let last = call.selections.last, let pair = call.pair(last.pair), pair.isRelayed else { return [] }
        let direct = pairs.filter { !$0.isRelayed && $0.path == pair.path }
        let failed = direct.filter { $0.failure != nil }
        return [
            Finding(
                code: "relayed", title: "the call goes over a relay",
                evidence: [
                    Finding.Evidence(whose(pair), [last.line]),
                    Finding.Evidence(
                        direct.isEmpty
                            ? "there was no direct pair"
                            : "\(direct.count.of("direct pair")), of which \(direct.count(where: \.hasSucceeded)) worked and \(failed.count) failed",
                        failed.compactMap { $0.failure?.line }),
                ])
        ]
    }
}

extension Call {
    /// Paths that took the place of others, and restarts.
    var changesOfPath: [Finding] {
        var findings: [Finding] = []
        for path in Set(selections.map(\.path)).sorted() {
            let used = selections.filter { $0.path == path }
            guard used.count > 1 else { continue }
            findings.append(
                Finding(
                    code: "path-changed", title: "the selected pair changed \((used.count - 1).of("time"))",
                    evidence: used.prefix(12).map {
                        Finding.Evidence("from \($0.time.asTime) on: \($0.text)", [$0.line])
                    }))
        }
        let silences = states.filter { $0.state == "disconnected" }
        if !silences.isEmpty {
            findings.append(
                Finding(
                    code: "was-silent",
                    title: "the peer fell silent \(silences.count == 1 ? "once" : "\(silences.count) times")",
                    evidence: silences.prefix(12).map(\.evidence)))
        }
        if generations.count > 1 {
            findings.append(
                Finding(
                    code: "restarted", title: "ICE was restarted \((generations.count - 1).of("time"))",
                    evidence: generations.dropFirst().prefix(12).map {
                        Finding.Evidence("generation \($0.number) began at \($0.time.asTime)", [$0.line])
                    }))
        }
        return findings
    }
}

/// What came of checking one URL.
struct RelayFinding: Finding {
    enum Peer: String, Encodable {
        /// A second allocation on the same server.
        case allocation
        /// A socket of this machine.
        case socket
    }

    var type = "relay"
    let url: String
    /// The server's part of the URL, which its transports have in common.
    let host: String
    /// udp, tcp, tls or dtls.
    let transport: String
    var works = false
    var allocationMilliseconds: Double?
    /// A request's round trip, to the server and back.
    var serverMilliseconds: Double?
    var relayedAddress: String?
    /// What is to be said of a relayed address that peers elsewhere can't reach; the relay works all the same.
    var remark: String?
    var reflexiveAddress: String?
    /// Seconds.
    var lifetime: Int64?
    var peer: Peer?
    var permission: Bool?
    var channel: Bool?
    var sent: Int?
    var received: Int?
    /// 0 to 1.
    var loss: Double?
    /// Through the relay to the peer and back.
    var roundTrip: RoundTrips.Times?
    var fault: Fault?

    init(url: String, host: String, transport: String) {
        self.url = url
        self.host = host
        self.transport = transport
    }

    func text(_ style: Style) -> String? {
        var lines = ["\(works ? style.good("ok    ") : style.bad("failed"))  \(style.strong(url))"]
        func add(_ name: String, _ value: String?) {
            if let value { lines.append("        \(style.faint(name.padded(to: 11)))  \(value)") }
        }
        add(
            "allocated",
            allocationMilliseconds.map { "in \(Quantity.milliseconds($0))\(lifetime.map { ", for \($0) s" } ?? "")" })
        add("relayed", relayedAddress)
        add("seen as", reflexiveAddress)
        add("server", serverMilliseconds.map { "answers in \(Quantity.milliseconds($0))" })
        add("permission", permission.map(Self.word))
        add("channel", channel.map(Self.word))
        add(
            "round trip",
            roundTrip.map {
                "\($0.text) to \(peer == .socket ? "a socket of this machine" : "a second allocation") and back"
            })
        add("loss", loss.map { "\(Quantity.percent($0)) of \(sent ?? 0)" })
        add("remark", remark)
        add("problem", fault?.message)
        add("what to do", fault?.advice)
        return lines.joined(separator: "\n")
    }

    private static func word(_ isThere: Bool) -> String { isThere ? "yes" : "no" }

    /// All findings, a line each.
    static func table(_ findings: [RelayFinding]) -> String {
        var table = Table("", "transport", "allocated", "round trip", "loss", "permission", "channel", "url")
        for finding in findings {
            table.append(
                finding.works ? "ok" : "failed", finding.transport,
                finding.allocationMilliseconds.map(Quantity.milliseconds) ?? "-",
                finding.roundTrip.map { Quantity.milliseconds($0.average) } ?? "-",
                finding.loss.map(Quantity.percent) ?? "-", finding.permission.map(word) ?? "-",
                finding.channel.map(word) ?? "-", finding.url + (finding.fault.map { "  (\($0.name))" } ?? ""))
        }
        var remarks: [String] = []
        for remark in findings.compactMap(\.remark) where !remarks.contains(remark) { remarks.append(remark) }
        return ([table.description] + remarks).joined(separator: "\n")
    }
}

/// How many of the URLs work.
struct TURNCheckSummary: Finding {
    let type = "summary"
    let works: Bool
    let working: Int
    let failed: Int

    init(works: Bool, findings: [RelayFinding]) {
        self.works = works
        working = findings.count(where: \.works)
        failed = findings.count - working
    }

    /// Whether everything that was asked for works: each URL, or each server over some transport.
    static func works(_ findings: [RelayFinding], ofEachServer: Bool) -> Bool {
        guard ofEachServer else { return findings.allSatisfy(\.works) }
        return Set(findings.map(\.host)).allSatisfy { host in findings.contains { $0.host == host && $0.works } }
    }

    func text(_ style: Style) -> String? {
        guard working + failed > 1 else { return nil }
        let text = "\(working) of \(working + failed) work"
        return works ? style.good(text) : style.bad(text)
    }
}

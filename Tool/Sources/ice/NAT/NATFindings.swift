import ICE

/// What a NAT does to UDP, and what that means.
struct NATFinding: Finding, Equatable {
    struct Lifetime: Encodable, Equatable {
        /// Seconds of silence that a mapping survived.
        let atLeast: Int64
        /// Seconds of silence that it did not survive.
        let lessThan: Int64?
    }

    var type = "nat"
    var works = true
    var server = ""
    var localAddress = ""
    var publicAddress: String?
    var preservesPort: Bool?
    var mapping: String?
    var filtering: String?
    var hairpins: Bool?
    var mappingLifetime: Lifetime?
    var gaps: [String] = []
    var verdict = "unknown"
    var meaning = ""
    var milliseconds = 0.0

    func text(_ style: Style) -> String? {
        var rows: [(String, String)] = [("here", localAddress)]
        if let publicAddress {
            let port = preservesPort.map { $0 ? " (the same port)" : " (another port)" } ?? ""
            rows.append(("outside", publicAddress + (mapping == "none" ? "" : port)))
        }
        if let mapping { rows.append(("mapping", mapping == "none" ? "none: there is no NAT" : mapping)) }
        if let filtering { rows.append(("filtering", filtering)) }
        if let hairpins {
            rows.append(
                ("hairpinning", hairpins ? "yes" : "no: peers behind the same NAT need host candidates or a relay"))
        }
        if let mappingLifetime {
            let most = mappingLifetime.lessThan.map { " to \($0) s" } ?? " s or longer"
            rows.append(("mappings last", "\(mappingLifetime.atLeast)\(most)"))
        }
        for gap in gaps { rows.append(("not found out", gap)) }
        rows.append(("verdict", works ? style.good(meaning) : style.bad(meaning)))
        return rows.map { "\(style.faint($0.padded(to: 14)))  \($1)" }.joined(separator: "\n")
    }
}

extension NATFinding {
    init(_ report: NATReport, milliseconds: Double) {
        self.init(
            works: report.publicAddress != nil, server: "\(report.server)", localAddress: "\(report.localAddress)",
            publicAddress: report.publicAddress.map { "\($0)" }, preservesPort: report.preservesPort,
            mapping: report.mapping.map { $0 == .noNAT ? "none" : "\($0)" },
            filtering: report.filtering.map { "\($0)" }, hairpins: report.hairpins,
            mappingLifetime: report.mappingLifetime.map {
                Lifetime(atLeast: $0.atLeast.components.seconds, lessThan: $0.lessThan?.components.seconds)
            }, gaps: report.gaps.map { "\($0)" }, verdict: report.verdict.name, meaning: "\(report.verdict)",
            milliseconds: milliseconds)
    }
}

extension NATReport.Verdict {
    /// A word for programs.
    fileprivate var name: String {
        switch self {
        case .directToAll: "direct-to-all"
        case .directToMost: "direct-to-most"
        case .directToFew: "direct-to-few"
        case .noUDP: "no-udp"
        case .unknown: "unknown"
        }
    }
}

extension Fault {
    init(_ error: STUNClientError) {
        switch error.code {
        case .nameResolutionFailed: self.init("name", error.message)
        case .connectionFailed, .unreachable, .sendFailed: self.init("unreachable", error.message)
        default: self.init("error", error.message, advice: "try another STUN server")
        }
    }
}

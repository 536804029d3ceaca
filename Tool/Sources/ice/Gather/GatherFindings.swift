import ICE

/// A candidate, when it came and from whom.
struct CandidateFinding: Finding {
    let type = "candidate"
    let kind: Candidate.Kind
    let address: String
    let port: UInt16
    let `protocol`: String
    let priority: UInt32
    /// The server that it is from; nil for host candidates.
    let server: String?
    /// How the server of a relayed candidate is spoken to.
    let relayProtocol: String?
    let milliseconds: Double
    /// The line of RFC 8839 §5.1.
    let candidate: String

    init(_ candidate: Candidate, server: String?, relayProtocol: String?, milliseconds: Double) {
        kind = candidate.kind
        address = candidate.hostName ?? candidate.address.ip.scoped(to: 0).description
        port = candidate.address.port
        `protocol` = candidate.transport == .udp ? "udp" : "tcp"
        priority = candidate.priority
        self.server = server
        self.relayProtocol = relayProtocol
        self.milliseconds = milliseconds
        self.candidate = candidate.description
    }

    func text(_ style: Style) -> String? {
        let place = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
        let way = relayProtocol.map { " over \($0)" } ?? ""
        let origin = server.map { "  from \($0)\(way)" } ?? ""
        return [
            style.faint(Quantity.milliseconds(milliseconds).leftPadded(to: 9)),
            style.strong(kind.rawValue.padded(to: 5)),
            place.padded(to: 24), `protocol`, "priority \(priority)",
        ].joined(separator: "  ") + origin
    }
}

/// A server that gave no candidate, and what to do about it.
struct ServerErrorFinding: Finding {
    let type = "error"
    /// Empty where it is this machine's fault.
    let url: String
    let code: Int
    let fault: Fault
    let milliseconds: Double

    init(_ error: CandidateError, milliseconds: Double) {
        self.init(url: error.url, code: error.errorCode, fault: Fault(error), milliseconds: milliseconds)
    }

    init(url: String, code: Int, fault: Fault, milliseconds: Double) {
        self.url = url
        self.code = code
        self.fault = fault
        self.milliseconds = milliseconds
    }

    func text(_ style: Style) -> String? {
        let time = style.faint(Quantity.milliseconds(milliseconds).leftPadded(to: 9))
        return "\(time)  \(style.bad("error"))  \(url.isEmpty ? "" : "\(url): ")\(fault.text)"
    }
}

import ICE

/// What is wrong with a server, in a word for programs, in words for people, and what to do about it.
struct Fault: Encodable, Equatable {
    /// Such as `credentials`, `certificate-untrusted`, `unreachable`; `error` where no other word fits.
    let name: String
    let message: String
    let advice: String?

    init(_ name: String, _ message: String, advice: String? = nil) {
        self.name = name
        self.message = message.printable
        self.advice = advice
    }

    var text: String { advice.map { "\(message); \($0)" } ?? message }
}

/// Something that went wrong.
struct FaultFinding: Finding {
    let type = "error"
    let fault: Fault

    func text(_ style: Style) -> String? { "\(style.bad("error"))  \(fault.text)" }
}

// MARK: - What servers answer

extension Fault {
    /// A STUN error code, or 701 with what went wrong on the way (webrtc-pc).
    init(code: Int, reason: String) {
        if code == 701, let fault = Fault(certificateFaultIn: reason) {
            self = fault
            return
        }
        let (name, advice) = Self.meaning(ofCode: code, reason)
        self.init(name, code == 701 ? reason : "\(code) \(reason)", advice: advice)
    }

    /// RFC 8489 §14.8, RFC 8656 §19.
    private static func meaning(ofCode code: Int, _ reason: String) -> (String, String?) {
        switch code {
        case 401, 441:
            ("credentials", "check --user and --password: the server does not know them, or their time has passed")
        case 403: ("forbidden", "the server's rules forbid it: ask whoever runs it")
        case 420: ("unsupported", "the server does not know something that was asked of it: use a newer one")
        case 440: ("family", "the server has no addresses of this family: use another server")
        case 442: ("transport", "the server does not relay over UDP: use another server")
        case 486: ("quota", "the user has as many allocations as it may: end some, or raise the server's user quota")
        case 508: ("capacity", "the server is full: try again later, or use another server")
        case 701:
            // Most reasons say already what to do.
            (
                "unreachable",
                reason.contains("check") ? nil : "check the URL, that the server runs, and the firewalls on the way"
            )
        default: ("error", nil)
        }
    }
}

extension Fault {
    init(_ error: CandidateError) {
        self.init(code: error.errorCode, reason: error.errorText)
    }

    init(_ error: TURNClientError) {
        if let fault = Fault(certificateFaultIn: error.message) {
            self = fault
            return
        }
        switch error.code {
        case .nameResolutionFailed: self.init("name", error.message)
        case .connectionFailed, .unreachable: self.init("unreachable", error.message)
        case .certificateHostMismatch: self.init("certificate-name", error.message)
        case .certificateRejected: self.init("certificate-rejected", error.message)
        case .tlsFailed:
            self.init("tls", error.message, advice: "check that the port is the server's TLS one")
        case .notTURN: self.init("not-turn", error.message, advice: "check that the port is the TURN server's")
        case .timedOut:
            self.init(
                "unreachable", error.message, advice: "check the port, the transport and the firewalls on the way")
        default: self.init("error", error.message)
        }
    }

    /// What is wrong with a certificate, found by the word that the library's text begins with: a ``CandidateError`` has nothing else.
    private init?(certificateFaultIn text: String) {
        let (code, rest) =
            text.split(separator: ":", maxSplits: 1).first.map { code in
                (String(code), text.dropFirst(code.count + 1).trimmingPrefix(while: \.isWhitespace))
            } ?? (text, "")
        // OpenSSL's words; the library's advice behind them names options that this tool calls otherwise.
        let reason = String(rest.prefix { $0 != ";" })
        switch code {
        case "certificateOutOfDate":
            self.init(
                "certificate-expired", "the server's certificate is out of date: \(reason)",
                advice: "renew it on the server; if it is valid, this machine's clock is wrong")
        case "hostMismatch":
            self.init(
                "certificate-name", "the server's certificate is for another name: \(reason)",
                advice: "use the name that it is for in the URL, or give it with --server-name")
        case "untrustedCertificate":
            self.init(
                "certificate-untrusted", "no trusted authority vouches for the server's certificate: \(reason)",
                advice: "give its authority with --ca, or have the server send its whole chain")
        case "certificateRejected":
            self.init("certificate-rejected", "the server's certificate is refused: \(reason)")
        default: return nil
        }
    }
}

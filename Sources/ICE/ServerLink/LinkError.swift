import NetBase
import TLS

/// Why the way to a server could not be opened, or was lost.
struct LinkError: Error, Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case nameResolution
        case connection
        /// An ICMP error came back for a datagram: the link stays open.
        case unreachable
        case certificateHostMismatch
        case certificateRejected
        case tls
        /// The server's stream holds something else than STUN and ChannelData.
        case framing
    }

    let kind: Kind
    let message: String
    let networkError: NetworkError?

    init(_ kind: Kind, _ message: String, _ networkError: NetworkError? = nil) {
        self.kind = kind
        self.message = message
        self.networkError = networkError
    }

    init(_ kind: Kind, _ error: NetworkError) {
        self.kind = kind
        message = Self.text("\(error)", Self.advice(for: error.code))
        networkError = error
    }

    init(_ error: TLSError) {
        kind =
            switch error.code {
            case .hostMismatch: .certificateHostMismatch
            case .certificateOutOfDate, .untrustedCertificate, .certificateRejected, .pinMismatch: .certificateRejected
            default: .tls
            }
        message = Self.text("\(error)", Self.advice(for: error.code))
        networkError = nil
    }

    /// The same of a server that ended the connection, or was silent, when TLS was to begin: many a port speaks none.
    var whileHandshaking: LinkError {
        switch networkError?.code {
        case .connectionReset, .endOfStream, .timedOut: LinkError(kind, "\(message); \(Self.question)", networkError)
        default: self
        }
    }

    private static let question =
        "is this its port for TLS or DTLS, 5349 or 443 mostly? Without either, write turn: for turns:, stun: for stuns:"

    private static func text(_ fault: String, _ advice: String?) -> String {
        advice.map { "\(fault); \($0)" } ?? fault
    }

    private static func advice(for code: NetworkError.Code) -> String? {
        switch code {
        case .nameNotFound: "check the server's name"
        case .connectionRefused: "nobody listens there: check the server's port and transport, and that it runs"
        case .timedOut, .hostUnreachable, .networkUnreachable:
            "check the server's address, port and transport, and the firewalls on the way"
        case .connectionReset, .endOfStream:
            "the server ended the connection: check its port, its transport and its log"
        default: nil
        }
    }

    private static func advice(for code: TLSError.Code) -> String? {
        switch code {
        case .hostMismatch:
            "the server's certificate is for another host: use the name that it is for, or set that as serverName"
        case .certificateOutOfDate: "the server's certificate has to be renewed, or this machine's clock is wrong"
        case .untrustedCertificate:
            "no authority that is trusted vouches for it: hand the right one over in the TLS options"
        case .protocolViolation: question
        case .timedOut: "nothing came back: check the server's address and port; \(question)"
        case .pinMismatch: "the server has another certificate than the pinned one: pin the new one, if it is genuine"
        default: nil
        }
    }

    /// Whether another address of the same server is worth a try: a wrong certificate is the name's, not the address's.
    var isAboutAddress: Bool {
        switch kind {
        case .connection, .unreachable, .tls: true
        case .nameResolution, .certificateHostMismatch, .certificateRejected, .framing: false
        }
    }
}

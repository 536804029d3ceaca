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

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
        networkError = nil
    }

    init(_ kind: Kind, _ error: NetworkError) {
        self.kind = kind
        message = "\(error)"
        networkError = error
    }

    init(_ error: TLSError) {
        kind =
            switch error.code {
            case .hostMismatch: .certificateHostMismatch
            case .certificateOutOfDate, .untrustedCertificate, .certificateRejected, .pinMismatch: .certificateRejected
            default: .tls
            }
        message = "\(error)"
        networkError = nil
    }

    /// Whether another address of the same server is worth a try: a wrong certificate is the name's, not the address's.
    var isAboutAddress: Bool {
        switch kind {
        case .connection, .unreachable, .tls: true
        case .nameResolution, .certificateHostMismatch, .certificateRejected, .framing: false
        }
    }
}

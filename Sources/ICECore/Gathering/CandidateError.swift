public import NetBase

/// Why one server gave no candidate: `RTCPeerConnectionIceErrorEvent` of webrtc-pc. Gathering goes on.
///
/// ```swift
/// client.onCandidateError = { error in
///     if error.errorCode == 401 { signal("new credentials, please") }
///     print(error)
/// }
/// ```
public struct CandidateError: Error, Hashable, Sendable {
    /// The server's URL; empty where it is not a server's fault: no socket could be bound.
    public let url: String

    /// The local address that was used; nil where no single one was.
    public let address: IPAddress?

    /// The local port that was used.
    public let port: UInt16?

    /// The STUN error code, 300 to 699, or 701 when the server can't be reached.
    public let errorCode: Int

    /// The server's reason, or what went wrong on the way there.
    public let errorText: String

    /// webrtc-pc: "If the server could not be reached, errorCode will be set to the value 701".
    package static let unreachable = 701

    /// What browsers tell when no local address is of the server's family.
    package static let familyMismatch = 600

    package init(url: String, from local: TransportAddress? = nil, code: Int, text: String) {
        self.url = url
        address = local?.ip
        port = local?.port
        errorCode = code
        errorText = text
    }
}

extension CandidateError: CustomStringConvertible {
    /// The URL, the code, the text, and what to do about it: `turn:192.0.2.1: 486 Allocation Quota Reached; …`.
    public var description: String {
        let fault = (url.isEmpty ? "" : "\(url): ") + "\(errorCode) \(errorText)"
        return advice.map { "\(fault); \($0)" } ?? fault
    }

    /// RFC 8656 §19 and RFC 8489 §14.8; what is told of servers out of reach says so itself.
    private var advice: String? {
        switch errorCode {
        case 401, 441: "check the username and the credential, or the access token, and whether their time has passed"
        case 403: "the server's rules forbid it: ask whoever runs it"
        case 440: "the server has no addresses of this family: use another server"
        case 442:
            "the server does not relay over the transport that was asked for: have its operator allow it (in coturn's "
                + "configuration take no-udp-relay or no-tcp-relay out), or use another server"
        case 486: "the user has as many allocations as he may: close some, or use another server"
        case 508: "the server is full: try again later, or use another server"
        default: nil
        }
    }
}

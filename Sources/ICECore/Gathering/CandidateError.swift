public import NetBase

/// Why one server gave no candidate: `RTCPeerConnectionIceErrorEvent` of webrtc-pc. Gathering goes on.
public struct CandidateError: Error, Hashable, Sendable {
    /// The server's URL.
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

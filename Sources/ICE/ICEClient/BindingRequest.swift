public import ICECore
public import NetBase

/// A connectivity check that the application may accept or refuse, after its credentials were verified.
///
/// ```swift
/// client.shouldAcceptBindingRequest = { request in !request.source.ip.isLinkLocal }
/// ```
public struct BindingRequest: Hashable, Sendable {
    /// Where it came from.
    public let source: TransportAddress

    /// The component it asks for.
    public let path: StreamComponent

    /// The username fragment that its sender gives as its own.
    public let remoteUsernameFragment: String
}

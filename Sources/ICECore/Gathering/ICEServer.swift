import NetBase

/// A server that helps gathering, as in WebRTC's `RTCIceServer`.
///
/// ```swift
/// let server = try ICEServer(urls: ["stun:stun.example.org:3478"])
/// ```
public struct ICEServer: Hashable, Sendable {
    /// The URLs it was made from.
    public var urls: [String] { parsed.map(\.text) }

    package let parsed: [ServerURL]

    /// A STUN server that is reached over UDP.
    ///
    /// - Parameter urls: One or more `stun:host[:port]`; the port is 3478 unless given.
    /// - Throws: ``ICESyntaxError`` that names what is wrong with a URL. URLs for TURN, and for STUN over TLS, are well-formed but not
    ///   supported by this version; they are refused rather than ignored.
    public init(urls: [String]) throws(ICESyntaxError) {
        var parsed: [ServerURL] = []
        for url in urls {
            let server = try ServerURL(url)
            guard server.service == .stun, server.transport == .udp else {
                throw ICESyntaxError(
                    .unsupportedServer, "this version gathers from stun: servers over UDP only; leave the URL out",
                    in: url)
            }
            parsed.append(server)
        }
        self.parsed = parsed
    }
}

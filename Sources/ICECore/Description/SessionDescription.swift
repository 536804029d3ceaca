import NetBase

/// The ICE part of an SDP offer or answer, with the rest carried along (RFC 8839, RFC 8840).
///
/// Reading takes text from the peer's signalling, writing gives text for it:
///
/// ```swift
/// let offer = try SessionDescription(text)
/// for line in offer.ignoredLines { print(line.number, line.error) }
/// for (index, media) in offer.media.enumerated() {
///     guard let parameters = try offer.parameters(for: index) else { continue }
///     print(media.kind, parameters.usernameFragment, media.candidates)
/// }
/// ```
///
/// Candidates that can't be used do not spoil a description: they are left out and listed in ``ignoredLines``.
public struct SessionDescription: Hashable, Sendable {
    /// A line with an ICE attribute that could not be used.
    public struct IgnoredLine: Hashable, Sendable {
        /// The line's number in the text, from 1.
        public let number: Int
        /// What is wrong with it.
        public let error: ICESyntaxError
    }

    /// The value of `o=`.
    public var origin: String

    /// The value of `s=`.
    public var name = "-"

    /// The address of the default destination of streams that have none of their own.
    public var connection: ConnectionAddress?

    /// `a=ice-ufrag` of streams that have none of their own.
    public var usernameFragment: String?

    /// `a=ice-pwd`, a secret, of streams that have none of their own.
    public var password: String?

    /// The tokens of `a=ice-options`.
    public var options: [String] = []

    /// Whether the agent is an ICE-lite one (`a=ice-lite`).
    public var isLite = false

    /// `a=ice-pacing`; nil stands for 50 ms.
    public var pacingInterval: Duration?

    /// Whether no more candidates of any stream will follow (RFC 8840 §8).
    public var endOfCandidates = false

    /// All other lines of the session, without their ends, in their order.
    public var otherLines: [String] = []

    /// The streams, in the order that numbers them.
    public var media: [MediaDescription] = []

    /// The lines that were left out in reading. They do not appear in ``description``.
    public internal(set) var ignoredLines: [IgnoredLine] = []

    /// A description without streams.
    ///
    /// - Parameter origin: The value of `o=`: a user, a session ID, a version that grows with each description of the session, and an
    ///   address.
    public init(origin: String = "- 0 0 IN IP4 127.0.0.1") {
        self.origin = origin
    }

    /// The position of the stream that signalling calls by a name; nil if there is none.
    public func index(ofMID mid: String) -> Int? {
        media.firstIndex { $0.mid == mid }
    }
}

// MARK: - What holds for one stream

extension SessionDescription {
    /// The ICE parameters of a stream, its own before the session's (RFC 8839 §5.4).
    ///
    /// - Returns: Nil where ICE is not used: there are no credentials, the stream is disabled, or `a=ice-mismatch` refuses ICE.
    /// - Throws: ``ICESyntaxError`` when one of username fragment and password is missing or malformed, or when streams share
    ///   a fragment but not its password. No error shows a password.
    public func parameters(for index: Int) throws(ICESyntaxError) -> ICEParameters? {
        guard media.indices.contains(index), !media[index].isDisabled, !media[index].iceMismatch else { return nil }
        let (fragment, password) = credentials(of: media[index])
        guard fragment != nil || password != nil else { return nil }
        guard let fragment, let password else {
            throw ICESyntaxError(
                .malformedDescription,
                withholdingText: "a stream has only one of a=ice-ufrag and a=ice-pwd; it needs both")
        }
        let disagrees = media.contains { other in
            let (otherFragment, otherPassword) = credentials(of: other)
            return otherFragment == fragment && otherPassword != nil && otherPassword != password
        }
        guard !disagrees else {
            throw ICESyntaxError(
                .malformedDescription, withholdingText: "streams with the same a=ice-ufrag must have the same a=ice-pwd"
            )
        }
        var tokens = options
        for token in media[index].options where !tokens.contains(token) { tokens.append(token) }
        return try ICEParameters(
            usernameFragment: fragment, password: password, options: tokens, isLite: isLite,
            pacingInterval: media[index].pacingInterval ?? pacingInterval)
    }

    private func credentials(of media: MediaDescription) -> (fragment: String?, password: String?) {
        (media.usernameFragment ?? usernameFragment, media.password ?? password)
    }

    /// How many components ICE has to find ways for in a stream; 0 where ICE is not used.
    public func componentCount(ofMedia index: Int) -> Int {
        guard media.indices.contains(index), !media[index].iceMismatch else { return 0 }
        return media[index].componentCount
    }

    /// Whether a stream's candidates are all there: the stream or the session says so (RFC 8840 §8.1).
    public func hasAllCandidates(ofMedia index: Int) -> Bool {
        endOfCandidates || (media.indices.contains(index) && media[index].endOfCandidates)
    }

    /// Whether somebody on the way rewrote a stream's default destination, so that no candidate matches it (RFC 8839 §4.2.5).
    ///
    /// Never where the destination is a host name, or unspecified, or has port 9, as in descriptions whose candidates follow later.
    public func hasMismatch(inMedia index: Int) -> Bool {
        guard media.indices.contains(index), !media[index].isDisabled else { return false }
        let description = media[index]
        let address = description.connection ?? connection
        if isMismatch(description.port, at: address, component: .rtp, in: description) { return true }
        guard description.componentCount > 1, let rtcp = description.rtcp else { return false }
        return isMismatch(rtcp.port, at: rtcp.address ?? address, component: .rtcp, in: description)
    }

    private func isMismatch(
        _ port: UInt16, at address: ConnectionAddress?, component: ComponentID, in media: MediaDescription
    ) -> Bool {
        guard let ip = address?.ip, !ip.isUnspecified, port != MediaDescription.discardPort else { return false }
        let destination = TransportAddress(ip, port: port)
        return !media.candidates.contains { $0.component == component && $0.address == destination }
    }
}

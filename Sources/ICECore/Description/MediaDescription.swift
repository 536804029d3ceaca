public import NetBase

/// One stream of a session: an `m=` line of SDP and what of ICE stands below it (RFC 8839 §4.2.1.1).
///
/// ```swift
/// var audio = MediaDescription(kind: "audio", proto: "RTP/SAVPF", formats: ["111"], mid: "0")
/// audio.usesRTCPMultiplexing = true
/// audio.otherLines = ["a=rtpmap:111 opus/48000/2"]
/// ```
public struct MediaDescription: Hashable, Sendable {
    /// The port that stands for "not known yet", the discard service's (RFC 8840 §4.1.1).
    public static let discardPort: UInt16 = 9

    /// An `a=rtcp` line: where RTCP is expected by default (RFC 3605).
    public struct RTCP: Hashable, Sendable {
        /// The port.
        public var port: UInt16
        /// The address, where it differs from the stream's.
        public var address: ConnectionAddress?

        /// A port, and an address where it differs from the stream's.
        public init(port: UInt16, address: ConnectionAddress? = nil) {
            self.port = port
            self.address = address
        }
    }

    /// One entry of `a=remote-candidates`: the peer's end of a nominated pair (RFC 8839 §5.2).
    public struct RemoteCandidate: Hashable, Sendable {
        /// The component that the pair serves.
        public var component: ComponentID
        /// The address of the pair's remote candidate.
        public var address: TransportAddress

        /// A component and the address of its remote candidate.
        public init(component: ComponentID, address: TransportAddress) {
            self.component = component
            self.address = address
        }
    }

    /// What the stream carries, such as `audio` or `application`.
    public var kind: String

    /// The port of the default destination; 0 disables the stream.
    public var port: UInt16

    /// How many consecutive ports the line names, which ICE makes no use of; 1 unless it says otherwise.
    public var portCount = 1

    /// What is spoken over it, such as `UDP/TLS/RTP/SAVPF`.
    public var proto: String

    /// The formats behind the protocol.
    public var formats: [String]

    /// What signalling calls the stream (`a=mid`, RFC 5888).
    public var mid: String?

    /// The address of the default destination; nil where the session's holds.
    public var connection: ConnectionAddress?

    /// `a=ice-ufrag`; nil where the session's holds.
    public var usernameFragment: String?

    /// `a=ice-pwd`, a secret; nil where the session's holds.
    public var password: String?

    /// The tokens of `a=ice-options`, which add to the session's.
    public var options: [String] = []

    /// `a=ice-pacing`, where it was given for the stream; RFC 8839 §5.5 has it for the session only.
    public var pacingInterval: Duration?

    /// Whether RTP and RTCP share one component (`a=rtcp-mux`, `a=rtcp-mux-only`; RFC 5761, RFC 8858).
    public var usesRTCPMultiplexing = false

    /// `a=rtcp`.
    public var rtcp: RTCP?

    /// The candidates that could be read, each in this stream.
    public var candidates: [Candidate] = []

    /// Whether no more candidates of the stream will follow (RFC 8840 §8).
    public var endOfCandidates = false

    /// What a controlling agent chose, in an offer behind its nomination (RFC 8839 §5.2).
    public var remoteCandidates: [RemoteCandidate] = []

    /// Whether an answer says that ICE can't be used for the stream (RFC 8839 §5.3).
    public var iceMismatch = false

    /// All other lines of the stream, without their ends, in their order.
    public var otherLines: [String] = []

    /// A stream whose candidates are not known yet.
    public init(
        kind: String, port: UInt16 = discardPort, proto: String, formats: [String], mid: String? = nil
    ) {
        self.kind = kind
        self.port = port
        self.proto = proto
        self.formats = formats
        self.mid = mid
    }

    /// Whether the stream was refused or removed: its port is 0 (RFC 8839 §4.2.1.6).
    public var isDisabled: Bool { port == 0 }

    /// How many components ICE has to find ways for; 0 for a disabled stream.
    ///
    /// RTP has two, one of them for RTCP, unless `a=rtcp-mux` folds them or bandwidths of 0 turn RTCP off (RFC 8839 §4.2.2). Anything
    /// else has one, and a second where there is an `a=rtcp`. Candidates of higher components raise the number.
    public var componentCount: Int {
        guard !isDisabled else { return 0 }
        guard !usesRTCPMultiplexing else { return 1 }
        let hasTwo = rtcp != nil || (isRTP && !hasNoRTCP)
        return candidates.reduce(hasTwo ? 2 : 1) { max($0, Int($1.component.rawValue)) }
    }

    private var isRTP: Bool { proto.split(separator: "/").contains("RTP") }

    /// RFC 8839 §4.2.2: "If the agent does not utilize RTCP, it indicates that by including "RS:0" and "RR:0""; RFC 3556 has them in `b=`.
    private var hasNoRTCP: Bool { otherLines.contains("b=RS:0") && otherLines.contains("b=RR:0") }
}

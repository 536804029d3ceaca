/// What the candidates of this side are reached with.
///
/// ```swift
/// var configuration = ICEConfiguration(role: .controlling)
/// configuration.transports = [.udp, .tcp]
/// ```
///
/// Where both sides have TCP candidates too, they connect through networks that let no UDP pass, as long as one of them can be connected to
/// (RFC 6544). A pair over UDP is preferred, and one over TCP to a relay. Relays themselves are reached by what their URLs say; what goes
/// between them and the peer is UDP, unless ``relayedTCP`` asks for more.
public struct CandidateTransports: OptionSet, Hashable, Sendable {
    /// The bits of the options.
    public let rawValue: UInt8

    /// Options from their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Datagrams.
    public static let udp = CandidateTransports(rawValue: 1)

    /// TCP connections that this side opens, and a port on each address where it takes the peer's (RFC 6544 §4.1).
    public static let tcp = CandidateTransports(rawValue: 2)

    /// With `tcp`, also connections that both sides open at the same time, which passes some NATs that nothing else passes; few peers know
    /// of them (RFC 6544 §5).
    public static let simultaneousOpen = CandidateTransports(rawValue: 4)

    /// With `tcp`, also TCP candidates on each TURN server that is reached over TCP or TLS: peers connect to an address there, and the server
    /// connects to theirs (RFC 6544 §5.5, RFC 6062).
    ///
    /// With `udp` beside it, every such server is asked for two allocations, one of each transport; that is of use where a peer can be spoken
    /// to over TCP alone, and not connected to. Without `udp`, such candidates are the only relayed ones, so that servers that relay no
    /// TCP, of which there are many, give none.
    public static let relayedTCP = CandidateTransports(rawValue: 8)
}

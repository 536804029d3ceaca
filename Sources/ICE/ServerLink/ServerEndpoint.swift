import NetBase

/// Where a server is and how its link is to be made.
struct ServerEndpoint: Hashable, Sendable {
    /// What travels on the link.
    enum Framing: Hashable, Sendable {
        /// STUN messages alone.
        case stun
        /// STUN and ChannelData messages.
        case turn
    }

    /// A name, or an address as text.
    var host: String
    var port: UInt16
    var transport: TransportProtocol
    var framing = Framing.stun
    var tls = TLSOptions()
    /// The family whose addresses come first; nil for the resolver's order.
    var preferredFamily: IPAddress.Family?
    /// Where a UDP socket of the link's own is bound; nil for any address.
    var localAddress: TransportAddress?
    /// How long look-up, connecting and the handshake may take together.
    var openingLimit = Duration.milliseconds(39_500)
    /// How long a datagram server may be silent before the next of its addresses is due; nil for ever.
    var silenceLimit: Duration?
    /// How many bytes may wait in a stream before application data is dropped.
    var queueLimit = 1 << 17

    /// RFC 8489 §18.6 and RFC 8656 §22: 3478, or 5349 under TLS and DTLS.
    static func defaultPort(_ transport: TransportProtocol) -> UInt16 {
        transport == .tls || transport == .dtls ? 5349 : 3478
    }
}

/// What an interface leads to, as far as the system tells.
public enum NetworkKind: String, Hashable, Sendable, CaseIterable {
    /// A cable, or what looks like one.
    case ethernet
    /// A wireless LAN.
    case wifi
    /// A mobile network.
    case cellular
    /// A tunnel over another network.
    case vpn
    /// This machine alone.
    case loopback
    /// The system does not tell.
    case unknown
}

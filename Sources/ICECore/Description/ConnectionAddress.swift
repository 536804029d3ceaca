public import NetBase

/// The address of a `c=` or `a=rtcp` line: an IP address, or a host name that ICE does not look up (RFC 8866 §5.7).
public struct ConnectionAddress: Hashable, Sendable {
    /// The address as it stands in the line, without a multicast suffix.
    public let host: String

    /// What the line says the address is: IP4 or IP6.
    public let family: IPAddress.Family

    /// The address, or nil where it is a host name.
    public var ip: IPAddress? { IPAddress(host) }

    /// An IP address.
    public init(_ ip: IPAddress) {
        host = ip.scoped(to: 0).description
        family = ip.family
    }

    /// Reads `IN IP4 192.0.2.1` or `IN IP6 2001:db8::1`; nil for anything else.
    public init?(_ text: String) {
        let tokens = text.split(separator: " ")
        guard tokens.count == 3, tokens[0] == "IN" else { return nil }
        switch tokens[1] {
        case "IP4": family = .v4
        case "IP6": family = .v6
        default: return nil
        }
        guard let host = tokens[2].split(separator: "/").first else { return nil }
        if let ip = IPAddress(String(host)), ip.family != family { return nil }
        self.host = String(host)
    }

    /// Whether nobody is reached there: 0.0.0.0 or ::, which stand for candidates that are yet to come (RFC 8840 §4.1.1).
    public var isUnspecified: Bool { ip?.isUnspecified ?? false }
}

extension ConnectionAddress: CustomStringConvertible {
    /// `IN IP4 192.0.2.1`.
    public var description: String { "IN \(family == .v4 ? "IP4" : "IP6") \(host)" }
}

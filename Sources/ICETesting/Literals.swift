public import NetBase

extension IPAddress: ExpressibleByStringLiteral {
    /// An address that a test spells out, such as `"192.0.2.1"`; text that is none traps.
    public init(stringLiteral text: String) {
        guard let address = IPAddress(text) else { preconditionFailure("\(text) is not an IP address") }
        self = address
    }
}

extension TransportAddress: ExpressibleByStringLiteral {
    /// An endpoint that a test spells out, such as `"192.0.2.1:3478"`; text that is none traps.
    public init(stringLiteral text: String) {
        guard let address = TransportAddress(text) else { preconditionFailure("\(text) is not an address and port") }
        self = address
    }
}

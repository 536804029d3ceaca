import NetBase

/// Tr, the time without a packet after which a keepalive is sent (RFC 8445 §11), drawn anew for each one, so that calls that began at one
/// moment do not go on in step.
///
/// "Agents SHOULD use a Tr value of 15 seconds. Agents MAY use a bigger value but MUST NOT use a value smaller than 15 seconds": it is
/// drawn upwards, by a third at most, which makes "a single packet every 15-20 seconds" (RFC 8445 §17.2.3) of the default.
struct KeepaliveInterval {
    /// What passes at least.
    let shortest: Duration

    init(_ configured: Duration) { shortest = max(configured, .seconds(15)) }

    func draw(using generator: inout some RandomNumberGenerator) -> Duration {
        shortest * Self.drawStretch(using: &generator)
    }

    /// How many times as long as it may be it is to be.
    static func drawStretch(using generator: inout some RandomNumberGenerator) -> Double {
        1 + Double(generator.next() >> 11) * 0x1p-53 / 3
    }
}

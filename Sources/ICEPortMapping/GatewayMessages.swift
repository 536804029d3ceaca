import NetBase

/// A question to the gateway (RFC 6886 §3.2, §3.3).
enum GatewayRequest: Hashable, Sendable {
    case externalAddress
    /// Map a UDP port for some seconds, best to the suggested one; 0 leaves that to the gateway.
    case map(port: UInt16, suggested: UInt16, seconds: UInt32)
    /// End the mapping of a UDP port: a lifetime of 0 (§3.4).
    case unmap(port: UInt16)
}

/// What the gateway says, asked or not.
struct GatewayResponse: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        case externalAddress(IPAddress)
        case mapping(port: UInt16, external: UInt16, seconds: UInt32)
    }

    let content: Content
    /// Seconds since the gateway's table of mappings began (§3.6).
    let epoch: UInt32

    /// Whether it answers a request. Of another one it may be a late repetition.
    func answers(_ request: GatewayRequest) -> Bool {
        switch (request, content) {
        case (.externalAddress, .externalAddress): true
        case (.map(let port, _, _), .mapping(let mapped, _, let seconds)): port == mapped && seconds > 0
        case (.unmap(let port), .mapping(let mapped, _, let seconds)): port == mapped && seconds == 0
        default: false
        }
    }
}

/// Finds out from the gateway's clock that it has lost its mappings (RFC 6886 §3.6).
struct GatewayEpoch {
    private var last: (seconds: UInt32, heardAt: Instant)?

    /// Takes the clock of anything that came from the gateway; true where it has begun anew.
    ///
    /// "If the SSSoE in the newly received packet is less than the client's conservative estimate by more than 2 seconds": the
    /// estimate being the last value and 7/8 of the time since.
    mutating func hasRestarted(_ seconds: UInt32, at now: Instant) -> Bool {
        defer { last = (seconds, now) }
        guard let last else { return false }
        let estimate = .seconds(Int64(last.seconds)) + (now - last.heardAt) * 7 / 8
        return .seconds(Int64(seconds)) + Duration.seconds(2) < estimate
    }
}

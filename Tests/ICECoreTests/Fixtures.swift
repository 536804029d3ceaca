public import NetBase
import STUN
import Testing

@testable import ICECore

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension Instant {
    /// So many milliseconds behind an origin that lies a while in the clock's past.
    static func ms(_ count: Int) -> Instant { Instant(nanoseconds: 1_000_000_000_000) + .milliseconds(count) }
}

extension IPAddress: ExpressibleByStringLiteral {
    /// Reads an address; one that can't be read gives 0.0.0.0.
    public init(stringLiteral text: String) { self = IPAddress(text) ?? .any(.v4) }
}

extension TransportAddress: ExpressibleByStringLiteral {
    /// Reads an address and port; what can't be read gives 0.0.0.0:0.
    public init(stringLiteral text: String) { self = TransportAddress(text) ?? TransportAddress(.any(.v4), port: 0) }
}

extension SocketID: ExpressibleByIntegerLiteral {
    /// The socket of a number.
    public init(integerLiteral number: Int) { self.init(number: number) }
}

extension StreamComponent {
    static func path(_ stream: Int, _ component: Int = 1) -> StreamComponent {
        StreamComponent(stream: StreamID(stream), component: ComponentID(component) ?? .rtp)
    }
}

extension Candidate {
    /// A candidate of which a test cares about some parts only.
    static func sample(
        _ address: TransportAddress, kind: Kind = .host, foundation: String = "1", path: StreamComponent = .first,
        priority: UInt32? = nil, transport: Transport = .udp
    ) -> Candidate {
        var candidate = Candidate(
            foundation: Foundation(foundation) ?? Foundation(number: 0), component: path.component,
            transport: transport,
            priority: priority ?? Self.priority(kind: kind, localPreference: 65535, component: path.component),
            address: address, kind: kind)
        candidate.stream = path.stream
        return candidate
    }
}

extension LocalCandidate {
    static func sample(
        _ address: TransportAddress, on socket: SocketID = 0, kind: Candidate.Kind = .host, foundation: String = "1",
        path: StreamComponent = .first, over transport: Candidate.Transport = .udp, priority: UInt32? = nil
    ) -> LocalCandidate {
        LocalCandidate(
            candidate: .sample(
                address, kind: kind, foundation: foundation, path: path, priority: priority, transport: transport),
            socket: socket, base: address, localPreference: 65535)
    }
}

/// What is there, or a failure of the test; unlike `#require` it may be given what a mutating method returns.
func unwrap<Value>(_ value: Value?, sourceLocation: SourceLocation = #_sourceLocation) throws -> Value {
    try #require(value, sourceLocation: sourceLocation)
}

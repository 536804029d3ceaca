/// One data stream of a session, numbered from 0 in the order of its description (RFC 8445 §4).
public struct StreamID: Hashable, Comparable, Sendable {
    /// The stream's position, 0 and up.
    public let index: Int

    /// The stream at a position.
    public init(_ index: Int) { self.index = index }

    /// Orders streams by position.
    public static func < (a: StreamID, b: StreamID) -> Bool { a.index < b.index }
}

/// One component of a stream, 1 to 256: a flow with a transport address of its own (RFC 8445 §4).
public struct ComponentID: Hashable, Comparable, Sendable {
    /// The number that stands in candidates, 1 to 256.
    public let rawValue: UInt16

    /// A component; nil outside 1 to 256.
    public init?(_ rawValue: Int) {
        guard 1...256 ~= rawValue else { return nil }
        self.rawValue = UInt16(rawValue)
    }

    private init(known rawValue: UInt16) { self.rawValue = rawValue }

    /// The first component: RTP, or the only flow there is.
    public static let rtp = ComponentID(known: 1)

    /// The second component: RTCP where it is not multiplexed with RTP.
    public static let rtcp = ComponentID(known: 2)

    /// Orders components by number.
    public static func < (a: ComponentID, b: ComponentID) -> Bool { a.rawValue < b.rawValue }
}

/// A component of a stream: what has a selected pair, and what data is sent on.
public struct StreamComponent: Hashable, Comparable, Sendable {
    /// The stream.
    public let stream: StreamID

    /// The component within the stream.
    public let component: ComponentID

    /// A component of a stream.
    public init(stream: StreamID, component: ComponentID) {
        self.stream = stream
        self.component = component
    }

    /// The first component of the first stream: all there is unless more was asked for.
    public static let first = StreamComponent(stream: StreamID(0), component: .rtp)

    /// Orders by stream, then by component.
    public static func < (a: StreamComponent, b: StreamComponent) -> Bool {
        (a.stream, a.component) < (b.stream, b.component)
    }
}

extension StreamComponent: CustomStringConvertible {
    /// `stream/component`, such as `0/1`.
    public var description: String { "\(stream.index)/\(component.rawValue)" }
}

import DequeModule
import ICECore

/// What the application has still to be told, in its order.
struct EventQueue: ~Copyable {
    private var events = UniqueDeque<AgentEvent>()

    /// More than this are seldom told at a time.
    private static let usualCount = 4

    var isEmpty: Bool { events.isEmpty }
    var count: Int { events.count }

    /// The trace's part of it.
    var traces: [ICETraceEvent] {
        var traces: [ICETraceEvent] = []
        for index in 0..<events.count {
            if case .trace(let event) = events[index] { traces.append(event) }
        }
        return traces
    }

    mutating func add(_ event: consuming AgentEvent) {
        if events.isEmpty { events.reserveCapacity(Self.usualCount) }
        events.append(event)
    }

    mutating func takeFirst() -> AgentEvent? { events.popFirst() }

    mutating func removeAll(where shouldGo: (AgentEvent) -> Bool) {
        for _ in 0..<events.count {
            guard let event = events.popFirst() else { return }
            if !shouldGo(event) { events.append(event) }
        }
    }

    /// Gives the room of an empty queue back, where nothing is expected for as long as the session lasts.
    mutating func rest() {
        if events.isEmpty { events = UniqueDeque() }
    }
}

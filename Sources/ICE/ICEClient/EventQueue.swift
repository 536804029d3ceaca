import DequeModule
import ICECore

/// What the application has still to be told, in its order.
struct EventQueue {
    private var events: Deque<AgentEvent> = []

    /// More than this are seldom told at a time.
    private static let usualCount = 4

    var isEmpty: Bool { events.isEmpty }
    var count: Int { events.count }

    /// The trace's part of it.
    var traces: [ICETraceEvent] {
        var traces: [ICETraceEvent] = []
        for case .trace(let event) in events { traces.append(event) }
        return traces
    }

    mutating func add(_ event: consuming AgentEvent) {
        if events.isEmpty { events.reserveCapacity(Self.usualCount) }
        events.append(event)
    }

    mutating func takeFirst() -> AgentEvent? { events.popFirst() }

    mutating func removeAll(where shouldGo: (AgentEvent) -> Bool) { events.removeAll(where: shouldGo) }

    /// Gives the room of an empty queue back, where nothing is expected for as long as the session lasts.
    mutating func rest() {
        if events.isEmpty { events = [] }
    }
}

import NetBase
import Synchronization

/// Spaces the transactions of all clients of the process, on whichever threads their loops run (RFC 8445 §14.2).
final class ProcessPacingGovernor: PacingGovernor, Sendable {
    /// The process's one governor.
    static let shared = ProcessPacingGovernor()

    private let nextSlot = Atomic<Int64>(.min)

    func claim(at now: Instant, spacing: Duration) -> Instant? {
        var slot = nextSlot.load(ordering: .relaxed)
        while true {
            let own = max(slot, now.nanoseconds)
            let next = own + spacing.nanoseconds
            let attempt = nextSlot.weakCompareExchange(expected: slot, desired: next, ordering: .relaxed)
            if attempt.exchanged { return own == now.nanoseconds ? nil : Instant(nanoseconds: own) }
            slot = attempt.original
        }
    }
}

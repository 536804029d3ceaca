import NetBase
import Synchronization

/// Spaces the transactions of all clients of the process, on whichever threads their loops run (RFC 8445 §14.2).
final class ProcessPacingGovernor: PacingGovernor, Sendable {
    /// The process's one governor.
    static let shared = ProcessPacingGovernor()

    private let nextSlot = Atomic<Int64>(.min)

    func claim(at now: Instant, spacing: Duration) -> Instant? {
        let next = (now + spacing).nanoseconds
        var slot = nextSlot.load(ordering: .relaxed)
        while slot <= now.nanoseconds {
            let attempt = nextSlot.weakCompareExchange(expected: slot, desired: next, ordering: .relaxed)
            if attempt.exchanged { return nil }
            slot = attempt.original
        }
        return Instant(nanoseconds: slot)
    }
}

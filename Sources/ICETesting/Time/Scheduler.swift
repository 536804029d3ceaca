import HeapModule
import NetBase

/// The virtual clock and everything that is going to happen on it, in the order of instant and then of scheduling.
///
/// Time stands still while work runs and leaps to the next work when all of one instant is done; nothing ever sleeps.
final class Scheduler {
    private(set) var now = Instant(nanoseconds: 0)

    /// How many pieces of work one instant may hold before the scheduler calls it an endless loop.
    var turnLimit = 1_000_000

    private var heap = Heap<Entry>()
    private var sequence: UInt64 = 0
    private var liveCount = 0
    private var turns = 0

    /// Whether nothing is going to happen any more.
    var isIdle: Bool { liveCount == 0 }

    /// Lets work happen at an instant, or on a later turn of this one if that has passed.
    @discardableResult
    func schedule(at instant: Instant, _ work: @escaping () -> Void) -> ScheduledWork {
        let scheduled = ScheduledWork(work, on: self)
        heap.insert(Entry(instant: max(instant, now), sequence: sequence, scheduled: scheduled))
        sequence += 1
        liveCount += 1
        return scheduled
    }

    /// Runs the next piece of work if it is due at an instant or before, and says whether there was one.
    func runNext(notAfter limit: Instant) -> Bool {
        while let entry = heap.min {
            guard let work = entry.scheduled.work else {
                heap.removeMin()
                continue
            }
            guard entry.instant <= limit else { return false }
            heap.removeMin()
            move(to: entry.instant)
            countTurn()
            entry.scheduled.work = nil
            liveCount -= 1
            work()
            return true
        }
        return false
    }

    /// Moves the clock forward to an instant before which nothing is left to do.
    func move(to instant: Instant) {
        guard instant > now else { return }
        now = instant
        turns = 0
    }

    /// Forgets everything that was going to happen.
    func removeAll() {
        let dropped = heap.unordered
        heap = Heap()
        liveCount = 0
        for entry in dropped { entry.scheduled.work = nil }
    }

    fileprivate func forget(_ scheduled: ScheduledWork) {
        guard scheduled.work != nil else { return }
        scheduled.work = nil
        liveCount -= 1
        // Alarms that are moved again and again leave dead entries behind: sweep when most are dead.
        if heap.count > 64, liveCount < heap.count / 4 {
            heap = Heap(heap.unordered.filter { $0.scheduled.work != nil })
        }
    }

    private func countTurn() {
        turns += 1
        precondition(
            turns <= turnLimit,
            "\(turnLimit) turns at \(now) and time has not moved: something keeps rescheduling itself without delay")
    }

    private struct Entry: Comparable {
        let instant: Instant
        let sequence: UInt64
        let scheduled: ScheduledWork

        static func < (a: Entry, b: Entry) -> Bool {
            (a.instant, a.sequence) < (b.instant, b.sequence)
        }

        static func == (a: Entry, b: Entry) -> Bool { a.sequence == b.sequence }
    }
}

/// Work that waits for its instant and can be taken back.
final class ScheduledWork: Cancellable {
    fileprivate var work: (() -> Void)?
    private weak var scheduler: Scheduler?

    fileprivate init(_ work: @escaping () -> Void, on scheduler: Scheduler) {
        self.work = work
        self.scheduler = scheduler
    }

    package func cancel() { scheduler?.forget(self) }
}

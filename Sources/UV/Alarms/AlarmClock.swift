package import NetBase

/// All alarms of a loop, over one timer of libuv's: that of thousands of clients costs no more than the heap that they stand in.
final class AlarmClock {
    private let timer: Timer
    private let core: LoopCore
    private var heap = AlarmHeap()
    /// By their slots. Like a handle, an alarm lives until it is closed.
    private var alarms: [LoopAlarm?] = []
    private var isFiring = false

    init(on loop: EventLoop) {
        core = loop.core
        timer = Timer(on: loop)
        timer.onFire = { [weak self] in self?.timerFired() }
    }

    /// The loop closes: no alarm goes any more, and their closures are dropped.
    func close() {
        timer.close()
        for alarm in alarms { alarm?.close() }
    }

    /// Nil once the loop is closed.
    func add(_ alarm: LoopAlarm) -> Int32? {
        guard !timer.isClosed else { return nil }
        let slot = heap.makeSlot()
        if Int(slot) < alarms.count { alarms[Int(slot)] = alarm } else { alarms.append(alarm) }
        return slot
    }

    func remove(_ slot: Int32) {
        heap.free(slot)
        alarms[Int(slot)] = nil
        restIfEmpty()
    }

    func set(_ slot: Int32, for instant: Instant) {
        heap.set(slot, to: instant.nanoseconds)
        guard instant > core.now else { return awaitSockets() }
        // A timer that goes too early finds nothing to do and is set again, which costs less than to set it back each time.
        if !isFiring, timer.nextFire.map({ instant < $0 }) ?? true { timer.start(at: instant) }
    }

    func cancel(_ slot: Int32) {
        heap.remove(slot)
        restIfEmpty()
    }

    /// A loop that waits for nothing is not kept alive.
    private func restIfEmpty() {
        if heap.count == 0, !isFiring { timer.stop() }
    }

    /// Between them sockets have their turn: what comes in while thousands of clients are due has only a buffer's room to wait.
    private static let firingsPerTurn = 64

    /// A loop that is late by more than this was held up: by the application, or because the machine slept.
    private static let lateness: Int64 = 10_000_000

    /// When sockets had their turn last, as far as is known.
    private var lookedAtSockets = Int64.min

    /// What came in time while the loop was held up has come in time: an alarm that waits for it must not go first.
    private func letSocketsGoFirst(at now: Int64) -> Bool {
        defer { lookedAtSockets = now }
        guard let first = heap.first, first.time < now - Self.lateness, lookedAtSockets < first.time else {
            return false
        }
        awaitSockets()
        return true
    }

    /// Whether no alarm goes before sockets have had their turn.
    private enum Wait {
        case none
        /// Their turn comes after that of queued work.
        case forWork
        /// Their turn is next, for the alarms that were set up to a time; whether others have been set since.
        case forSockets(upTo: Int64, hasMore: Bool)
    }

    private var wait = Wait.none

    private func awaitSockets() {
        switch wait {
        case .none:
            wait = .forWork
            // Work that is enqueued by work runs after the sockets of this turn.
            core.enqueue { [weak self] in
                guard let self else { return }
                wait = .forSockets(upTo: core.now.nanoseconds, hasMore: false)
                core.enqueue { [weak self] in self?.socketsHadTheirTurn() }
            }
        case .forWork: break
        case .forSockets(let time, _): wait = .forSockets(upTo: time, hasMore: true)
        }
    }

    private func socketsHadTheirTurn() {
        guard case .forSockets(let time, let hasMore) = wait else { return }
        wait = .none
        if hasMore { awaitSockets() }
        fire(upTo: time)
    }

    private func timerFired() {
        let now = core.now.nanoseconds
        guard case .none = wait, !letSocketsGoFirst(at: now) else { return }
        fire(upTo: now)
    }

    private func fire(upTo now: Int64) {
        // Those that set themselves for now wait for the next turn, and so do the rest of many, as others have a claim to this one.
        var due: [(alarm: LoopAlarm, time: Int64)] = []
        while due.count < Self.firingsPerTurn, let first = heap.first, first.time <= now {
            heap.remove(first.slot)
            if let alarm = alarms[Int(first.slot)] { due.append((alarm, first.time)) }
        }
        isFiring = true
        for (alarm, time) in due { core.turn { alarm.fire(setFor: time) } }
        isFiring = false
        if let first = heap.first { timer.start(at: Instant(nanoseconds: first.time)) }
    }
}

/// An alarm of a loop: goes once at the instant that it is set for, or soon after it, and never before.
package final class LoopAlarm {
    private let clock: AlarmClock
    private var onFire: (() -> Void)?
    private var slot: Int32 = 0
    private var time: Int64?

    init(on clock: AlarmClock, onFire: @escaping () -> Void) {
        self.clock = clock
        guard let slot = clock.add(self) else { return }
        self.slot = slot
        self.onFire = onFire
    }

    /// Goes at an instant, or where that has come already, once what has arrived by now is received; replaces an earlier setting.
    package func set(for instant: Instant) {
        guard onFire != nil else { return }
        time = instant.nanoseconds
        clock.set(slot, for: instant)
    }

    /// Takes the setting back.
    package func cancel() {
        guard time != nil else { return }
        time = nil
        clock.cancel(slot)
    }

    /// Frees the alarm, which never goes again.
    package func close() {
        guard let dropped = onFire else { return }
        onFire = nil
        time = nil
        clock.remove(slot)
        withExtendedLifetime(dropped) {}
    }

    /// - Parameter due: What it was set for; it may have been set anew since, or not be set any more.
    fileprivate func fire(setFor due: Int64) {
        guard time == due else { return }
        time = nil
        onFire?()
    }
}

extension EventLoop {
    /// An alarm that is not set yet. As with a timer, it lives until it is closed, or the loop is.
    package func makeAlarm(_ onFire: @escaping () -> Void) -> LoopAlarm {
        let clock = alarmClock ?? AlarmClock(on: self)
        if alarmClock == nil { alarmClock = clock }
        return LoopAlarm(on: clock, onFire: onFire)
    }
}

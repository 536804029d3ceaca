import NetBase

/// A timer on virtual time.
final class SimulatedAlarm: Alarm {
    private let scheduler: Scheduler
    private var onFire: (() -> Void)?
    private var pending: ScheduledWork?

    init(on scheduler: Scheduler, _ onFire: @escaping () -> Void) {
        self.scheduler = scheduler
        self.onFire = onFire
    }

    deinit { pending?.cancel() }

    package func set(for instant: Instant) {
        pending?.cancel()
        guard onFire != nil else { return }
        pending = scheduler.schedule(at: instant) { [weak self] in
            self?.pending = nil
            self?.onFire?()
        }
    }

    package func cancel() {
        pending?.cancel()
        pending = nil
    }

    package func close() {
        cancel()
        onFire = nil
    }
}

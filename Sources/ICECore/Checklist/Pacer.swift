package import NetBase

/// Spaces an agent's new transactions by Ta (RFC 8445 §14.2), over a governor that spaces those of the whole process.
///
/// Urgent transactions (triggered and nominating checks, and the first check of an idle component) may use up to three slots that
/// nobody used before; what they take is paid back before ordinary ones go on, so that the rate stays one in Ta.
package struct Pacer {
    /// How many unspent slots an urgent transaction may draw on.
    static let credit = 3

    /// Ta.
    package var interval: Duration

    private let processSpacing: Duration?
    private let governor: any PacingGovernor
    private var nextSlot: Instant?
    private var processSlot: Instant?

    package init(interval: Duration, processSpacing: Duration?, governor: any PacingGovernor) {
        self.interval = interval
        self.processSpacing = processSpacing
        self.governor = governor
    }

    /// When a transaction may start; it may have passed, or be nil for "at once".
    package func earliestStart(urgent: Bool) -> Instant? {
        let own = nextSlot.map { urgent ? $0 - interval * Self.credit : $0 }
        guard let own, let processSlot else { return own ?? processSlot }
        return max(own, processSlot)
    }

    /// Takes a slot, if there is one now.
    package mutating func claim(urgent: Bool, at now: Instant) -> Bool {
        if let start = earliestStart(urgent: urgent), start > now { return false }
        guard hasProcessSlot(at: now) else { return false }
        processSlot = nil
        nextSlot = max(now, nextSlot ?? now) + interval
        return true
    }

    /// Whether the process's slot that was given is there, or there is one now; else asks for one.
    private mutating func hasProcessSlot(at now: Instant) -> Bool {
        guard let processSpacing else { return true }
        // One that was not used at its time has passed.
        if let processSlot, now < processSlot + processSpacing { return true }
        processSlot = governor.claim(at: now, spacing: processSpacing)
        return processSlot == nil
    }
}

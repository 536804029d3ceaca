import NetBase
import STUN

/// Who has asked what, for as long as an answer may come: requests that are repeated are noted anew.
struct RecentQuestions {
    private var recent: [STUNTransactionID: PortView] = [:]
    private var older: [STUNTransactionID: PortView] = [:]
    private var turnedAt: Instant?

    /// An answer that takes longer than this is late for any retransmission schedule.
    private static let generation = Duration.seconds(8)

    mutating func note(_ id: STUNTransactionID, by view: PortView, at now: Instant) {
        turn(at: now)
        recent[id] = view
    }

    func asker(of id: STUNTransactionID) -> PortView? { recent[id] ?? older[id] }

    mutating func forget(_ view: PortView) {
        recent = recent.filter { $0.value !== view }
        older = older.filter { $0.value !== view }
    }

    /// Frees what was noted too long ago.
    mutating func turn(at now: Instant) {
        guard let turnedAt else {
            self.turnedAt = now
            return
        }
        guard now >= turnedAt + Self.generation else { return }
        older = now < turnedAt + Self.generation * 2 ? recent : [:]
        recent = [:]
        self.turnedAt = now
    }
}

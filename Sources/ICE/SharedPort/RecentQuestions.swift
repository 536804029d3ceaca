import NetBase
import STUN

/// Who has asked what, and whom, for as long as an answer may come: requests that are repeated are noted anew.
///
/// Notes are kept for 8 to 16 s, and in two halves of a bounded size: where more is asked, the older half goes sooner.
struct RecentQuestions {
    private struct Notes {
        var askers: [STUNTransactionID: PortView] = [:]
        var destinations: [TransportAddress: PortView] = [:]
    }

    private var recent = Notes()
    private var older = Notes()
    private var turnedAt: Instant?

    /// An answer that takes longer than this is late for any retransmission schedule.
    private static let generation = Duration.seconds(8)

    /// Those of 40,000 clients' consent checks; of twice as many, a question is still known after four seconds.
    static let limit = 1 << 16

    /// How many questions are noted.
    var count: Int { recent.askers.count + older.askers.count }

    mutating func note(_ id: STUNTransactionID, to destination: TransportAddress, by view: PortView, at now: Instant) {
        turn(at: now)
        recent.askers[id] = view
        recent.destinations[destination] = view
    }

    func asker(of id: STUNTransactionID) -> PortView? { Self.open(recent.askers[id] ?? older.askers[id]) }

    /// Who has asked last at an address.
    func asker(at destination: TransportAddress) -> PortView? {
        Self.open(recent.destinations[destination] ?? older.destinations[destination])
    }

    private static func open(_ view: PortView?) -> PortView? { view?.isClosed == false ? view : nil }

    /// Frees what was noted too long ago, or is too much.
    private mutating func turn(at now: Instant) {
        guard let turnedAt else {
            self.turnedAt = now
            return
        }
        guard now >= turnedAt + Self.generation || recent.askers.count >= Self.limit else { return }
        older = now < turnedAt + Self.generation * 2 ? recent : Notes()
        recent = Notes()
        self.turnedAt = now
    }
}

import EchoTicket
import Synchronization

/// What the loops of a server have in common.
final class House: Sendable {
    let secret: EchoSecret
    let isLite: Bool
    /// Whether callers are heard over TCP, too.
    let takesConnections: Bool
    let callsPerLoop: Int
    /// Whether there is more than one loop.
    let isShared: Bool
    private let state = Mutex(State())

    private struct State {
        var counts: [Counts] = []
        var owned: Set<String> = []
    }

    init(secret: EchoSecret, isLite: Bool, takesConnections: Bool, callsPerLoop: Int, isShared: Bool) {
        self.secret = secret
        self.isLite = isLite
        self.takesConnections = takesConnections
        self.callsPerLoop = callsPerLoop
        self.isShared = isShared
    }

    /// What has happened on each loop so far.
    var counts: [Counts] { state.withLock(\.counts) }

    /// The number of a new loop.
    func enter() -> Int {
        state.withLock { state in
            state.counts.append(Counts())
            return state.counts.count - 1
        }
    }

    func report(_ counts: Counts, of loop: Int) { state.withLock { $0.counts[loop] = counts } }

    /// Takes a call for a loop; false where another one has it.
    ///
    /// The system picks the loop by both ends' addresses. A caller with several addresses may knock at several loops: the first has the
    /// call, the others don't answer, and ICE goes by the paths that work.
    func take(_ call: String) -> Bool { !isShared || state.withLock { $0.owned.insert(call).inserted } }

    func give(back call: String) { state.withLock { _ = $0.owned.remove(call) } }
}

/// What has happened on a loop.
struct Counts: Equatable, Sendable {
    var (open, made) = (0, 0)
    var (echoed, dropped) = (0, 0)
    /// Checks that no call was made for: without a ticket, of a call on another loop, and over the limit.
    var (refused, elsewhere, crowded) = (0, 0, 0)

    static func + (a: Counts, b: Counts) -> Counts {
        var sum = Counts()
        (sum.open, sum.made) = (a.open + b.open, a.made + b.made)
        (sum.echoed, sum.dropped) = (a.echoed + b.echoed, a.dropped + b.dropped)
        (sum.refused, sum.elsewhere) = (a.refused + b.refused, a.elsewhere + b.elsewhere)
        sum.crowded = a.crowded + b.crowded
        return sum
    }
}

import ICE

/// How many datagrams of a load may be under way: more as long as all arrive, fewer when some get lost, as TCP does (RFC 5681).
///
/// What is sent waits for what has arrived, so that a slow path is filled and not flooded.
struct SendWindow {
    private(set) var limit = Self.least
    private(set) var sent: UInt32 = 0
    private var accounted: UInt32 = 0
    private var lost: UInt32 = 0
    private var isStarting = true
    /// What is sent up to here has been paid for by the last cut.
    private var recovery: UInt32 = 0
    private var lastNews: Instant

    private static let least = 16.0
    private static let most = 4096.0
    private static let backOff = 0.7

    init(at now: Instant) { lastNews = now }

    var maySend: Bool { Double(sent - accounted) < limit }

    /// Takes the number of the next datagram.
    mutating func next() -> UInt32 {
        defer { sent += 1 }
        return sent
    }

    /// The next one was not taken by the socket: its number is used again.
    mutating func takeBack() { sent -= 1 }

    /// Hears how much has arrived; a receipt older than another, or about what was never sent, changes nothing.
    mutating func hear(_ receipt: Datagram.Receipt, at now: Instant) {
        guard receipt.packets > 0, receipt.highest < sent, receipt.highest >= accounted else { return }
        lastNews = now
        let arrived = Double(receipt.highest + 1 - accounted)
        accounted = receipt.highest + 1
        let missing = accounted > receipt.packets ? accounted - receipt.packets : 0
        if missing > lost {
            // A cut is paid once for all that was under way.
            if receipt.highest >= recovery { cut(to: limit * Self.backOff) }
        } else {
            limit = min(Self.most, limit + (isStarting ? arrived : arrived / limit))
        }
        lost = missing
    }

    /// Lets time pass: when nothing is heard, all that is under way counts as lost.
    ///
    /// - Parameter silence: How long that takes, well above a round trip.
    mutating func advance(to now: Instant, silence: Duration) {
        guard sent > accounted, now - lastNews >= silence else { return }
        lastNews = now
        lost += sent - accounted
        accounted = sent
        cut(to: Self.least)
    }

    private mutating func cut(to limit: Double) {
        self.limit = max(Self.least, limit)
        isStarting = false
        recovery = sent
    }
}

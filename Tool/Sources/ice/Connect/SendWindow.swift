import ICE

/// How many datagrams of a load may be under way: more as long as nearly all arrive, fewer when many get lost.
///
/// What is sent waits for what has arrived, as with TCP (RFC 5681), so that a slow path is filled and not flooded. A little loss is what
/// some lines have whatever is sent; a call bears it, and so does this.
struct SendWindow {
    private(set) var limit = Self.least
    private(set) var sent: UInt32 = 0
    /// What is below has arrived, or is lost.
    private var accounted: UInt32 = 0
    private var isStarting = true
    /// Loss is looked at once for each window: where this one ends, and what was accounted for and missing when it began.
    private var round: (end: UInt32, accounted: UInt32, missing: UInt32) = (Self.leastRound, 0, 0)
    private var lastNews: Instant

    private static let least = 16.0
    private static let most = 4096.0
    private static let backOff = 0.7
    private static let bearableLoss = 0.05
    /// Fewer would tell nothing about shares.
    private static let leastRound: UInt32 = 64

    init(at now: Instant) { lastNews = now }

    var maySend: Bool { Double(sent - accounted) < limit }

    /// Takes the number of the next datagram.
    mutating func next(at now: Instant) -> UInt32 {
        defer { sent += 1 }
        // Silence counts from when there is something to be heard of.
        if sent == accounted { lastNews = now }
        return sent
    }

    /// The next one was not taken by the socket: its number is used again.
    mutating func takeBack() { sent -= 1 }

    /// Hears how much has arrived; a receipt older than another, or about what was never sent, changes nothing.
    mutating func hear(_ receipt: Datagram.Receipt, at now: Instant) {
        guard receipt.packets > 0, receipt.highest < sent, receipt.highest >= accounted else { return }
        lastNews = now
        let news = Double(receipt.highest + 1 - accounted)
        accounted = receipt.highest + 1
        limit = min(Self.most, limit + (isStarting ? news : news / limit))
        if accounted >= round.end { endRound(missing: accounted - min(accounted, receipt.packets)) }
    }

    /// Lets time pass; when nothing is heard, all that is under way counts as lost.
    ///
    /// - Parameter silence: How long that takes, well above a round trip.
    mutating func advance(to now: Instant, silence: Duration) {
        guard sent > accounted, now - lastNews >= silence else { return }
        lastNews = now
        round = (sent + Self.leastRound, sent, round.missing + sent - accounted)
        accounted = sent
        cut(to: Self.least)
    }

    private mutating func endRound(missing: UInt32) {
        let lost =
            Double(missing - min(missing, round.missing)) / Double(max(1, accounted - min(accounted, round.accounted)))
        if lost > Self.bearableLoss { cut(to: limit * Self.backOff) }
        round = (max(sent, accounted + Self.leastRound), accounted, missing)
    }

    private mutating func cut(to limit: Double) {
        self.limit = max(Self.least, limit)
        isStarting = false
    }
}

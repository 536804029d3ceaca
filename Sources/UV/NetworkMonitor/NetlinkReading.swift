import NetBase

/// What a netlink socket is asked and what its answers and notices add up to, without the socket.
///
/// One listing is asked for after the other, as the kernel makes only one at a time. What is read anew is built up beside what is known,
/// and takes its place when the last listing has ended; notices that come in between belong to both.
struct NetlinkReading {
    /// A listing of everything of a kind.
    enum Request: Hashable, CaseIterable {
        case links, addresses, routesV4, routesV6
    }

    private var known = NetworkTable()
    private var rebuilt: NetworkTable?
    private var waiting: [Request] = []
    private var asked: UInt32?
    private var sequence: UInt32 = 0
    private var isStale = true

    /// Whether everything was listed once, and nothing is being listed anew.
    var isSettled: Bool { rebuilt == nil && !isStale }

    /// What is known now.
    var snapshot: NetworkSnapshot { known.snapshot }

    /// Notices were lost: all has to be listed anew.
    mutating func noteLoss() { isStale = true }

    /// The next listing to ask for, if it is time for one, and the number that its answers will have.
    mutating func nextRequest() -> (request: Request, sequence: UInt32)? {
        guard asked == nil else { return nil }
        if rebuilt == nil, isStale {
            isStale = false
            rebuilt = NetworkTable()
            waiting = Request.allCases
        }
        guard let request = waiting.first else { return nil }
        waiting.removeFirst()
        // 0 is that of notices.
        sequence = max(1, sequence &+ 1)
        asked = sequence
        return (request, sequence)
    }

    /// The request could not be sent.
    mutating func requestFailed() {
        asked = nil
        rebuilt = nil
        waiting = []
        isStale = true
    }

    /// Takes one datagram of the kernel's.
    mutating func receive(_ bytes: Span<UInt8>) {
        for message in NetlinkMessage.all(in: bytes) {
            if message.isInterrupted { isStale = true }
            if message.content == .end {
                if message.sequence == asked { endListing() }
                continue
            }
            // Answers to a request that was given up are as good as any notice.
            if rebuilt != nil {
                if rebuilt?.apply(message.content) == false { isStale = true }
                if message.sequence == 0 { _ = known.apply(message.content) }
            } else if !known.apply(message.content) {
                isStale = true
            }
        }
    }

    private mutating func endListing() {
        asked = nil
        guard waiting.isEmpty, let rebuilt else { return }
        known = rebuilt
        self.rebuilt = nil
    }
}

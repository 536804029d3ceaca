import NetBase

/// What continual gathering remembers of the machine's addresses, and when it looks again at them and at servers that failed.
struct NetworkWatch {
    /// The addresses that may be used, as they were told last.
    private(set) var usable: [InterfaceAddress] = []
    /// When an address that was held back is looked at again.
    var review: Instant?
    /// How long relays whose address is gone wait for another.
    private var relayWaits: [SocketID: Instant] = [:]
    /// When servers that failed are asked again.
    private(set) var retryTime: Instant?
    private var retryDelay = Self.firstRetry
    private var holds: [Hold] = []
    private var numbers = NetworkNumbers()

    /// An address that comes and goes is gathered again only after a while, which doubles each time.
    private struct Hold {
        let ip: IPAddress
        var begun: Instant
        /// Whether it came while the session lasted.
        var isArrival: Bool
        var interval = NetworkWatch.firstHold
    }

    private static let firstHold = Duration.seconds(2)
    private static let longestHold = Duration.seconds(60)
    /// More addresses than this are not remembered: the one that was gathered longest ago is forgotten.
    private static let holdLimit = 64
    /// A system that gets an address sets its routes a moment later.
    private static let routesWithin = Duration.seconds(2)
    /// A relay that is lost sooner than this behind another is not asked for again at once.
    private static let leastRelayLife = Duration.seconds(2)
    private static let sameLoss = Duration.milliseconds(500)
    private var relayLostAt: Instant?
    private var relayPause = Self.leastRelayLife
    private var wasCalm = true
    /// How often the pause without a path has doubled.
    private var urgentCount: UInt8 = 0
    /// Since when there has been a path.
    private var pathBegan: Instant?
    private static let firstUrgentRetry = Duration.milliseconds(500)
    private static let firstRetry = Duration.seconds(10)
    /// libwebrtc asks failed networks again after 300,000 ms.
    private static let longestRetry = Duration.seconds(300)

    var deadline: Instant? {
        var first = Earliest()
        first.note(review)
        first.note(retryTime)
        if !relayWaits.isEmpty { first.note(relayWaits.values.min()) }
        return first.instant
    }

    // MARK: Addresses

    mutating func begin(over addresses: [InterfaceAddress], _ chosen: some Sequence<IPAddress>, at now: Instant) {
        changed(to: addresses)
        for ip in chosen { hold(ip, isArrival: false, at: now) }
    }

    /// All sockets are open, and addresses that come and go are not followed: what is told of the networks is all that is remembered.
    mutating func rest() {
        guard review == nil else { return }
        holds = []
        usable = numbers.told(of: usable)
        if usable.isEmpty { numbers = NetworkNumbers() }
    }

    mutating func changed(to addresses: [InterfaceAddress]) {
        usable = addresses
        numbers.note(addresses)
    }

    /// What is told of the network that an address belongs to.
    func info(of ip: IPAddress) -> NetworkInfo? { numbers.info(of: ip, among: usable) }

    /// When an address may be gathered; nil for at once.
    func readyTime(of ip: IPAddress) -> Instant? {
        holds.first { $0.ip == ip }.map { $0.begun + $0.interval }
    }

    /// An address is gathered now.
    mutating func hold(_ ip: IPAddress, isArrival: Bool, at now: Instant) {
        if let index = holds.firstIndex(where: { $0.ip == ip }) {
            var hold = holds.remove(at: index)
            let isCalm = now - hold.begun > hold.interval * 4
            hold.interval = isCalm ? Self.firstHold : min(hold.interval * 2, Self.longestHold)
            (hold.begun, hold.isArrival) = (now, isArrival)
            holds.append(hold)
        } else {
            if holds.count >= Self.holdLimit { holds.removeFirst() }
            holds.append(Hold(ip: ip, begun: now, isArrival: isArrival))
        }
    }

    /// An address that could not be bound is tried again when its time has come.
    mutating func retry(_ ip: IPAddress) {
        guard let ready = readyTime(of: ip) else { return }
        review = min(review ?? ready, ready)
    }

    /// Until when the system's routes may be behind an address that has come; nil for one that was there from the beginning.
    func routesDue(for ip: IPAddress) -> Instant? {
        holds.first { $0.ip == ip && $0.isArrival }.map { $0.begun + Self.routesWithin }
    }

    // MARK: Relays that wait

    /// These relays wait, and no others, each for so long from when it began to.
    mutating func wait(for relays: [SocketID], _ patience: Duration, at now: Instant) {
        relayWaits = Dictionary(uniqueKeysWithValues: relays.map { ($0, relayWaits[$0] ?? now + patience) })
    }

    var waitsForRelays: Bool { !relayWaits.isEmpty }

    /// Whether a relay has waited long enough.
    func hasWaited(_ relay: SocketID, at now: Instant) -> Bool { relayWaits[relay].map { $0 <= now } ?? true }

    // MARK: Servers

    /// Whether it has been a while since a relay was lost.
    mutating func noteLostRelay(at now: Instant) -> Bool {
        // What goes at one moment goes for one reason.
        guard let last = relayLostAt, now - last >= Self.sameLoss else {
            let isFirst = relayLostAt == nil
            relayLostAt = relayLostAt ?? now
            return isFirst || wasCalm
        }
        wasCalm = now - last >= relayPause
        relayPause = wasCalm ? Self.leastRelayLife : min(relayPause * 2, Self.longestRetry)
        relayLostAt = now
        return wasCalm
    }

    /// - Parameter isUrgent: Whether there is no path, so that a server that is being restarted is not to be waited for longer than it takes.
    mutating func scheduleRetry(at now: Instant, isUrgent: Bool) {
        let urgentDelay = Self.firstUrgentRetry * (1 << Int(urgentCount))
        if isUrgent, urgentDelay < retryDelay {
            let time = now + urgentDelay
            guard retryTime.map({ time < $0 }) ?? true else { return }
            retryTime = time
            urgentCount += 1
        } else if retryTime == nil {
            retryTime = now + retryDelay
            retryDelay = min(retryDelay * 2, Self.longestRetry)
        }
    }

    mutating func retried() { retryTime = nil }

    /// The loss of a path that has held has nothing to do with earlier losses: what was waited for then is waited for no longer now.
    mutating func note(hasPath: Bool, at now: Instant) {
        if hasPath {
            pathBegan = pathBegan ?? now
        } else if let began = pathBegan {
            pathBegan = nil
            if now - began >= Self.firstRetry { urgentCount = 0 }
        }
    }

    /// Over another address a server may well be reached.
    mutating func resetRetries() {
        (retryTime, retryDelay, urgentCount) = (nil, Self.firstRetry, 0)
    }
}

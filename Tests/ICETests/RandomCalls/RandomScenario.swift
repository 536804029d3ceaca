import ICE
import ICETesting

/// What a random call is made of. Everything follows from its seed.
struct RandomScenario {
    /// One of the two agents and where it stands.
    struct Side {
        var place: NATMatrixTests.Side
        /// Whether there is a carrier's NAT in front of its own.
        var carrier: NATMatrixTests.Side?
        var hasV4: Bool
        var hasV6: Bool
        var extraAddresses: Int
        var conditions: LinkConditions
        var role: Role
        var startsAfter: Duration
        /// Whether candidates are signalled as they come, or all at once when gathering has ended.
        var trickles: Bool
    }

    enum Servers: String, CaseIterable { case none, stun, stunByName, turn, turnOverTCP, all }

    enum Disruption: Equatable {
        case close(Int)
        case restart(Int)
        case restartBoth
        case serverFallsSilent
        case serverRestarts
        case forgetMappings(Int)
        case rebind(Int)
        case cut(Int, for: Duration)
    }

    enum Outcome { case connects, fails, either }

    let seed: UInt64
    private(set) var sides: [Side] = []
    private(set) var servers = Servers.none
    private(set) var pacing = PacingProfile.standard
    private(set) var nomination = ICEConfiguration.Nomination.regular
    private(set) var backupPairs = 2
    private(set) var relaysOnly = false
    private(set) var streams = 1
    private(set) var components = 1
    private(set) var slowestSignal = Duration.zero
    private(set) var serverDelay = Duration.zero
    private(set) var disruptions: [(at: Duration, what: Disruption)] = []

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed, stream: "scenario")
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        func milliseconds(_ range: ClosedRange<Int>) -> Duration {
            .milliseconds(Int.random(in: range, using: &random))
        }
        func pick<T>(_ all: [T]) -> T { all[Int.random(in: 0..<all.count, using: &random)] }

        let isLossy = chance(50)
        for _ in 0..<2 {
            let place = chance(40) ? .open : pick(NATMatrixTests.Side.allCases)
            let families = Int.random(in: 0..<10, using: &random)
            sides.append(
                Side(
                    place: place,
                    carrier: place.translates && chance(20) ? pick([.fullCone, .portRestricted, .symmetric]) : nil,
                    hasV4: families != 0, hasV6: families < 5, extraAddresses: chance(25) ? 2 : 0,
                    conditions: LinkConditions(
                        delay: milliseconds(0...150), jitter: milliseconds(0...30),
                        loss: isLossy ? Double.random(in: 0...0.3, using: &random) : 0,
                        duplication: chance(30) ? 0.2 : 0, reordering: chance(30) ? 0.2 : 0),
                    role: chance(50) ? .controlling : .controlled,
                    startsAfter: chance(10) ? milliseconds(0...35_000) : milliseconds(0...500), trickles: chance(80)))
        }
        servers = pick(Servers.allCases)
        pacing = pick([.standard, .fast, .server])
        nomination = chance(40) ? .eager : .regular
        backupPairs = Int.random(in: 0...3, using: &random)
        relaysOnly = hasTURN && chance(15)
        streams = chance(20) ? 2 : 1
        components = chance(20) ? 2 : 1
        slowestSignal = chance(20) ? .zero : milliseconds(0...1500)
        serverDelay = chance(20) ? milliseconds(0...3000) : .zero
        for _ in 0..<(chance(60) ? 0 : Int.random(in: 1...4, using: &random)) {
            let side = chance(50) ? 0 : 1
            let what: Disruption =
                switch Int.random(in: 0..<20, using: &random) {
                case 0..<3: .close(side)
                case 3..<9: .restart(side)
                case 9..<12: .restartBoth
                case 12: .serverFallsSilent
                case 13: .serverRestarts
                case 14: .forgetMappings(side)
                case 15..<17: .rebind(side)
                default: .cut(side, for: milliseconds(100...60_000))
                }
            disruptions.append((chance(50) ? milliseconds(0...2000) : milliseconds(0...60_000), what))
        }
        disruptions.sort { $0.at < $1.at }
    }

    var hasTURN: Bool { servers == .turn || servers == .turnOverTCP || servers == .all }

    /// When nothing more is done to the call.
    var calmAfter: Duration {
        let ends = disruptions.map { step in
            if case .cut(_, let span) = step.what { step.at + span } else { step.at }
        }
        return (ends + sides.map(\.startsAfter)).max()! + slowestSignal
    }

    var closes: Bool {
        disruptions.contains { if case .close = $0.what { true } else { false } }
    }

    // MARK: What must come of it

    /// How many packets a side may send in a second without data: its checks and its answers for each pair that is kept alive. Where much
    /// is lost, checks are repeated, and the pairs that stand by are asked whether they do better.
    var quietLimit: Int { 8 + (loss > 0.05 ? 16 : 4) * streams * components * (1 + backupPairs) }

    /// The most loss in one direction.
    var loss: Double { sides.map(\.conditions.loss).max()! }

    /// Whether a path that works may cease to.
    var isHarmed: Bool {
        disruptions.contains {
            switch $0.what {
            case .close, .restart, .restartBoth: false
            default: true
            }
        }
    }

    /// How the call must end when nobody closes it.
    var outcome: Outcome {
        if isHarmed { return canMeetAtAll ? .either : .fails }
        guard canMeetAtAll else { return .fails }
        return mustMeet ? .connects : .either
    }

    private var canMeetAtAll: Bool {
        if hasTURN { return true }
        let share = (sides[0].hasV4 && sides[1].hasV4) || (sides[0].hasV6 && sides[1].hasV6)
        return share && !sides.contains { $0.place == .udpBlocked }
    }

    private var mustMeet: Bool {
        if !relaysOnly, meetDirectly(needingServers: false) { return true }
        // A server's answers may get lost for as long as it is waited for.
        guard loss <= 0.05 else { return false }
        if !relaysOnly, meetDirectly(needingServers: true) { return true }
        let isBlocked = sides.contains { $0.place == .udpBlocked }
        return hasTURN && (!isBlocked || servers != .turn)
    }

    private func meetDirectly(needingServers: Bool) -> Bool {
        guard !sides.contains(where: { $0.place == .udpBlocked }) else { return false }
        // Filters open to each other's host candidates, since nothing is translated.
        if sides.allSatisfy(\.hasV6) { return true }
        guard sides.allSatisfy(\.hasV4) else { return false }
        if sides.contains(where: { $0.place == .open }) { return true }
        guard needingServers, servers != .none, servers != .turnOverTCP, sides.allSatisfy({ $0.carrier == nil }) else {
            return false
        }
        return NATMatrixTests.Cell(a: sides[0].place, b: sides[1].place).canMeetDirectly
    }
}

extension NATMatrixTests.Side {
    var translates: Bool { behavior?.translates == true }
}

extension RandomScenario: CustomStringConvertible {
    var description: String {
        let places = sides.map { side in
            let families = (side.hasV4 ? "4" : "") + (side.hasV6 ? "6" : "")
            let link = side.conditions
            return
                "\(side.place)\(side.carrier.map { "+\($0)" } ?? "")/v\(families)/+\(side.extraAddresses) \(side.role)"
                + " \(link.delay)±\(link.jitter) loss \(link.loss) dup \(link.duplication) reorder \(link.reordering)"
                + " from \(side.startsAfter)\(side.trickles ? "" : " no trickle")"
        }
        let pacingName = pacing == .standard ? "standard" : pacing == .fast ? "fast" : "server"
        return """
            seed \(seed): \(places.joined(separator: " | ")); servers \(servers) +\(serverDelay), \(pacingName), \
            \(nomination), backups \(backupPairs)\(relaysOnly ? ", relays only" : ""), \(streams)x\(components), \
            signals \(slowestSignal), \(disruptions.map { "\($0.at) \($0.what)" }); must: \(outcome)
            """
    }
}

import NetBase
import STUN
import Testing

@testable import ICECore

@Suite("Nomination")
struct NominatorTests {
    private static func pair(
        _ serial: Int, priority: UInt32, kind: Candidate.Kind = .host, remoteKind: Candidate.Kind = .host,
        over transport: Candidate.Transport = .udp, _ state: CheckPair.State, startedAt: Instant = .ms(0),
        roundTrip: Duration? = nil
    ) -> CheckPair {
        let local = LocalCandidate.sample("192.0.2.1:5000", kind: kind, over: transport, priority: priority)
        let remote = Candidate.sample("203.0.113.1:7000", kind: remoteKind, priority: 2_000_000_000)
        var pair = CheckPair(
            id: PairID(stream: StreamID(0), serial: serial), local: local, remote: remote, role: .controlling,
            state: state == .frozen ? .frozen : .waiting)
        guard state != .frozen, state != .waiting else { return pair }
        pair.begin(at: startedAt)
        if state == .succeeded {
            let found = CheckPair.Valid(local: local.candidate, priority: pair.priority, confirmedAt: startedAt)
            pair.succeed(as: found, roundTripTime: roundTrip)
        }
        if state == .failed { pair.fail() }
        return pair
    }

    @Test("Without a valid pair there is nothing to nominate")
    func nothing() {
        #expect(Nominator.decide(over: [CheckPair](), at: .ms(0)) == .wait)
        let pairs = [
            Self.pair(1, priority: 9, .inProgress), Self.pair(2, priority: 8, .waiting),
            Self.pair(3, priority: 7, .failed),
            Self.pair(4, priority: 6, .frozen),
        ]
        #expect(Nominator.decide(over: pairs, at: .ms(1000)) == .wait)
    }

    @Test("The valid pair of the highest priority is nominated at once when it is direct")
    func best() {
        let pairs = [
            Self.pair(1, priority: 9, .inProgress), Self.pair(2, priority: 8, .succeeded),
            Self.pair(3, priority: 7, .succeeded),
        ]
        #expect(Nominator.decide(over: pairs, at: .ms(0)) == .nominate(pairs[1].id))
        #expect(Nominator.decide(over: Array(pairs.reversed()), at: .ms(0)) == .nominate(pairs[1].id))
    }

    @Test("A direct pair that is about to be checked again is waited for, though its first check was long ago")
    func checkedAgain() {
        var direct = Self.pair(1, priority: 9, .inProgress, startedAt: .ms(0))
        direct.trigger()
        let relayed = Self.pair(
            2, priority: 1, kind: .relayed, .succeeded, startedAt: .ms(200), roundTrip: .milliseconds(10))
        #expect(Nominator.decide(over: [direct, relayed], at: .ms(250)) == .holdUntil(.ms(350)))
        direct.begin(at: .ms(255))
        #expect(Nominator.decide(over: [direct, relayed], at: .ms(260)) == .holdUntil(.ms(355)))
        #expect(Nominator.decide(over: [direct, relayed], at: .ms(355)) == .nominate(relayed.id))
    }

    @Test(
        "A relayed pair waits for a better direct one in progress, for 100 ms or 3 round trips, whichever is longer",
        arguments: [(10, 100), (33, 100), (34, 102), (200, 600)])
    func hold(roundTrip: Int, milliseconds: Int) {
        let direct = Self.pair(1, priority: 9, .inProgress, startedAt: .ms(1000))
        let relayed = [
            Self.pair(2, priority: 1, kind: .relayed, .succeeded, roundTrip: .milliseconds(roundTrip)),
            Self.pair(2, priority: 1, remoteKind: .relayed, .succeeded, roundTrip: .milliseconds(roundTrip)),
        ]
        for relayed in relayed {
            let end = 1000 + milliseconds
            #expect(Nominator.decide(over: [direct, relayed], at: .ms(1000)) == .holdUntil(.ms(end)))
            #expect(Nominator.decide(over: [direct, relayed], at: .ms(end - 1)) == .holdUntil(.ms(end)))
            #expect(Nominator.decide(over: [direct, relayed], at: .ms(end)) == .nominate(relayed.id))
        }
    }

    @Test("A pair that opens a connection has a round trip more for that, as has one that the peer may be opening")
    func connections() {
        let relayed = Self.pair(2, priority: 1, kind: .relayed, .succeeded, roundTrip: .milliseconds(40))
        let active = Self.pair(1, priority: 9, over: .tcp(.active), .inProgress)
        #expect(Nominator.decide(over: [active, relayed], at: .ms(130)) == .holdUntil(.ms(240)))
        #expect(Nominator.decide(over: [active, relayed], at: .ms(240)) == .nominate(relayed.id))
        let decide = { Nominator.decide(over: [relayed], at: .ms($0), expectsConnections: true) }
        #expect(decide(130) == .holdUntil(.ms(240)))
        #expect(decide(240) == .nominate(relayed.id))
    }

    @Test("The youngest of the better direct pairs sets the end of the wait")
    func longestHold() {
        let pairs = [
            Self.pair(1, priority: 9, .inProgress, startedAt: .ms(50)),
            Self.pair(2, priority: 8, .inProgress, startedAt: .ms(80)),
            Self.pair(3, priority: 1, kind: .relayed, .succeeded, roundTrip: .milliseconds(10)),
        ]
        #expect(Nominator.decide(over: pairs, at: .ms(90)) == .holdUntil(.ms(180)))
    }

    @Test(
        "A relayed pair does not wait for relayed or finished ones",
        arguments: [pair(1, priority: 9, kind: .relayed, .inProgress), pair(1, priority: 9, .failed)])
    func noHold(other: CheckPair) {
        let relayed = Self.pair(2, priority: 5, kind: .relayed, .succeeded, roundTrip: .milliseconds(10))
        #expect(Nominator.decide(over: [other, relayed], at: .ms(1)) == .nominate(relayed.id))
    }

    @Test(
        "A direct pair is waited for whatever its priority, and before its first check too",
        arguments: [pair(1, priority: 1, .inProgress), pair(1, priority: 9, .waiting), pair(1, priority: 9, .frozen)])
    func unbegun(other: CheckPair) {
        let relayed = Self.pair(2, priority: 5, kind: .relayed, .succeeded, roundTrip: .milliseconds(10))
        #expect(Nominator.decide(over: [other, relayed], at: .ms(0)) == .holdUntil(.ms(100)))
    }

    @Test("A direct pair whose first check has not begun is waited for until it has, but for 1 s at most")
    func unbegunFor() {
        let relayed = Self.pair(2, priority: 5, kind: .relayed, .succeeded, roundTrip: .milliseconds(10))
        let decide = { (direct: CheckPair, now: Int) in Nominator.decide(over: [direct, relayed], at: .ms(now)) }
        let unbegun = Self.pair(1, priority: 9, .waiting)
        #expect(decide(unbegun, 1) == .holdUntil(.ms(101)))
        #expect(decide(unbegun, 500) == .holdUntil(.ms(600)))
        #expect(decide(unbegun, 950) == .holdUntil(.ms(1000)))
        #expect(decide(unbegun, 1000) == .nominate(relayed.id))
        let begun = Self.pair(1, priority: 9, .inProgress, startedAt: .ms(500))
        #expect(decide(begun, 501) == .holdUntil(.ms(600)))
        #expect(decide(begun, 600) == .nominate(relayed.id))
    }

    @Test("Where datagrams get lost, a relayed pair waits 1 s for direct ones, and for candidates that may come")
    func holdWithLoss() {
        let direct = Self.pair(1, priority: 9, .inProgress)
        let relayed = Self.pair(2, priority: 1, kind: .relayed, .succeeded, roundTrip: .milliseconds(10))
        let decide = { (pairs: [CheckPair], expects: Bool, now: Int) in
            Nominator.decide(over: pairs, at: .ms(now), sawLoss: true, expectsCandidates: expects)
        }
        #expect(decide([direct, relayed], false, 101) == .holdUntil(.ms(1000)))
        #expect(decide([direct, relayed], false, 1000) == .nominate(relayed.id))
        #expect(decide([relayed], true, 101) == .holdUntil(.ms(1000)))
        #expect(decide([relayed], false, 1) == .nominate(relayed.id))
        #expect(Nominator.decide(over: [relayed], at: .ms(1), expectsCandidates: true) == .nominate(relayed.id))
        let other = Self.pair(3, priority: 2, .succeeded)
        #expect(decide([direct, relayed, other], true, 1) == .nominate(other.id))
    }

    @Test("What may be a relay whose candidate is on its way waits, for a bounded time, for an explanation")
    func unexplained() {
        let learned = Self.pair(2, priority: 9, remoteKind: .peerReflexive, .succeeded)
        let decision = { (now: Int) in Nominator.decide(over: [learned], at: .ms(now)) { _ in true } }
        #expect(decision(1) == .holdUntil(.ms(100)) || decision(1) == .holdUntil(.ms(300)))
        #expect(decision(300) == .nominate(learned.id))
        #expect(Nominator.decide(over: [learned], at: .ms(1)) == .nominate(learned.id))
    }

    @Test("Eagerly, the best direct pair is nominated by its first check")
    func eager() {
        let best = Self.pair(1, priority: 9, .waiting)
        let others = [best, Self.pair(2, priority: 8, .waiting), Self.pair(3, priority: 7, .succeeded)]
        #expect(Nominator.mayNominateEagerly(best, among: others, at: .ms(0)))
        #expect(Nominator.mayNominateEagerly(best, among: [best], at: .ms(0)))
    }

    @Test("Eagerly, a relayed pair never is")
    func eagerRelay() {
        for pair in [
            Self.pair(1, priority: 9, kind: .relayed, .waiting),
            Self.pair(1, priority: 9, remoteKind: .relayed, .waiting),
        ] {
            #expect(!Nominator.mayNominateEagerly(pair, among: [pair], at: .ms(0)))
        }
    }

    @Test(
        "Eagerly, a better pair stands in the way unless it failed or was silent for 100 ms",
        arguments: [
            (CheckPair.State.waiting, 1000, false), (.frozen, 1000, false), (.succeeded, 1000, false),
            (.inProgress, 99, false),
            (.inProgress, 100, true), (.failed, 0, true),
        ])
    func eagerSecond(state: CheckPair.State, age: Int, allowed: Bool) {
        let better = Self.pair(1, priority: 9, state, startedAt: .ms(0))
        let second = Self.pair(2, priority: 8, .waiting)
        #expect(Nominator.mayNominateEagerly(second, among: [better, second], at: .ms(age)) == allowed)
    }
}

@Suite("Numbers of nominations")
struct NominationNumbersTests {
    private var numbers = NominationNumbers()

    private mutating func number(of request: UInt64, for serial: Int) -> Int {
        numbers.number(
            of: STUNTransactionID(high: 0, low: request), for: PairID(stream: StreamID(0), serial: serial))
    }

    @Test("the latest request has the highest number, and one that is repeated keeps its own")
    mutating func order() {
        #expect(number(of: 1, for: 1) == 1)
        #expect(number(of: 2, for: 2) == 2)
        #expect(number(of: 1, for: 1) == 1)
        #expect(number(of: 3, for: 1) == 3)
        #expect(number(of: 2, for: 2) == 2)
    }

    @Test("a repeated first request of several for one pair does not undo the nomination of another pair")
    mutating func repeatedFirst() {
        for request in 1...5 { #expect(number(of: UInt64(request), for: 1) == request) }
        #expect(number(of: 6, for: 2) == 6)
        #expect(number(of: 1, for: 1) == 1)
        #expect(number(of: 5, for: 1) == 5)
    }

    @Test("a peer that nominates with every check is not remembered check by check")
    mutating func bounded() {
        for request in 1...100 { #expect(number(of: UInt64(request), for: 1) == request) }
        #expect(numbers.count == 2)
        for request in 101...200 { #expect(number(of: UInt64(request), for: request) == request) }
        #expect(numbers.count == 16)
    }
}

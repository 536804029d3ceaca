import NetBase
import STUN
import TURNCore
import Testing

let relayV4 = TransportAddress("198.51.100.7:50000")!
let relayV6 = TransportAddress("[2001:db8::7]:50000")!
let reflexive = TransportAddress("203.0.113.5:40000")!
let peer = TransportAddress("192.0.2.9:7000")!
let otherPeer = TransportAddress("192.0.2.10:7000")!

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// An ``AllocationClient`` in virtual time, against a server that says what the test tells it to. An answer takes 20 ms.
///
/// The server authenticates, then gives the next of the answers that are lined up for the method, or else what is usual.
final class ScriptedServer {
    /// What the server does with a request that has passed.
    enum Answer {
        case success([any STUNAttribute])
        case error(Int, [any STUNAttribute] = [])
        case silence
    }

    static let roundTrip = Duration.milliseconds(20)

    var client: AllocationClient
    private(set) var now = second(0)
    /// What was sent, and when.
    private(set) var sent: [(at: Instant, message: STUNMessage)] = []
    /// Takes events out after each look.
    private var events: [(at: Instant, event: AllocationEvent)] = []
    /// The answers that are to come before the usual ones.
    var script: [STUNMethod: [Answer]] = [:]
    /// What an Allocate or Refresh success says.
    var lifetime: UInt32 = 600
    var relays = [relayV4]
    /// Whether nothing at all is answered.
    var isSilent = false
    var gate: LongTermGatekeeper?
    /// What an access token has opened.
    private(set) var session: AccessTokenSession?

    private var answers: [(at: Instant, message: STUNMessage)] = []

    init(
        isReliable: Bool = false, password: String = "pass", authenticates: Bool = true, nonceLifetime: Int64 = 3600,
        _ configure: (inout AllocationOptions) -> Void = { _ in }
    ) {
        var options = AllocationOptions(username: "user", password: password)
        configure(&options)
        var generator = SeededGenerator(seed: 7)
        if authenticates {
            var settings = LongTermGatekeeper.Configuration(realm: "example.org", users: ["user": "pass"])
            settings.nonceLifetime = .seconds(nonceLifetime)
            gate = LongTermGatekeeper(settings, using: &generator)
        }
        client = AllocationClient(options, generator: generator, isReliable: isReliable)
    }

    @discardableResult
    func allocate() -> Bool { client.allocate(at: now) }

    var state: AllocationState? { client.state }
    var deadline: Instant? { client.deadline }

    func payload(of message: STUNMessage, at now: Instant) -> (peer: TransportAddress, range: Range<Int>)? {
        client.payload(of: message, at: now)
    }

    func payload(
        ofChannelData datagram: Span<UInt8>, at now: Instant
    ) -> (peer: TransportAddress, range: Range<Int>)? {
        client.payload(ofChannelData: datagram, at: now)
    }

    func frame(_ payload: [UInt8], to peer: TransportAddress) -> [UInt8]? {
        var bytes: [UInt8] = []
        return client.frame(payload.span, to: peer, over: &bytes, at: now) ? bytes : nil
    }

    /// Lets time pass: answers arrive, deadlines come.
    func run(_ seconds: Double) {
        let end = Instant(nanoseconds: now.nanoseconds + Int64(seconds * 1e9))
        drain()
        while true {
            let next = [client.deadline, answers.first?.at].compactMap { $0 }.min()
            guard let next, next <= end else { break }
            now = max(now, next)
            if let answer = answers.first, answer.at <= now {
                answers.removeFirst()
                client.receive(answer.message, at: now)
            } else {
                client.advance(to: now)
            }
            drain()
        }
        now = end
    }

    /// Allocates, and forgets about that.
    static func allocated(
        isReliable: Bool = false, _ configure: (inout AllocationOptions) -> Void = { _ in }
    ) -> ScriptedServer {
        let server = ScriptedServer(isReliable: isReliable, configure)
        server.client.allocate(at: server.now)
        server.run(1)
        if server.state == nil { Issue.record("no allocation") }
        _ = server.takeEvents()
        server.forgetSent()
        return server
    }

    func forgetSent() { sent = [] }

    /// The events since the last look.
    func takeEvents() -> [AllocationEvent] {
        drain()
        defer { events = [] }
        return events.map(\.event)
    }

    /// When requests of a method went out, in whole seconds.
    func seconds(of method: STUNMethod) -> [Int] {
        sent.filter { $0.message.method == method }.map { Int($0.at.nanoseconds / 1_000_000_000) }
    }

    /// The seconds from an instant, 20 ms after the beginning as a rule, to the first request of a method, and from each to the next.
    func gaps(of method: STUNMethod, since start: Instant = second(0.02)) -> [Double] {
        let times = [start] + sent.filter { $0.message.method == method }.map(\.at)
        return zip(times, times.dropFirst()).map { Double(($1 - $0).nanoseconds) / 1e9 }
    }

    func requests(_ method: STUNMethod) -> [STUNMessage] { sent.map(\.message).filter { $0.method == method } }

    private func drain() {
        while let effect = client.nextEffect() {
            switch effect {
            case .event(let event): events.append((now, event))
            case .send(let bytes):
                guard let message = try? STUNMessage(parsing: bytes.span) else {
                    Issue.record("no STUN: \(bytes)")
                    continue
                }
                sent.append((now, message))
                if !isSilent, let answer = answer(message) { answers.append((now + Self.roundTrip, answer)) }
            }
        }
    }
}

// MARK: - The server

extension ScriptedServer {
    private func answer(_ request: STUNMessage) -> STUNMessage? {
        guard gate != nil else { return grant(request) }
        switch gate?.judge(request, from: reflexive, session: session, at: now) {
        case .reply(let response, _): return response
        case .accepted(let pass):
            session = pass.session ?? session
            guard var response = grant(request) else { return nil }
            gate?.seal(&response, pass, for: request)
            return response
        case nil: return nil
        }
    }

    private func grant(_ request: STUNMessage) -> STUNMessage? {
        var answer = usual(request)
        if script[request.method]?.isEmpty == false, let scripted = script[request.method]?.removeFirst() {
            answer = scripted
        }
        var response: STUNMessage
        let attributes: [any STUNAttribute]
        switch answer {
        case .silence: return nil
        case .success(let list):
            response = STUNMessage(.success, request.method, transactionID: request.transactionID)
            attributes = list
        case .error(let code, let list):
            response = STUNMessage(.failure, request.method, transactionID: request.transactionID)
            attributes = [STUNMessage.ErrorCode(code: code, reason: "test")] + list
        }
        for attribute in attributes { response.append(attribute) }
        return response
    }

    private func usual(_ request: STUNMessage) -> Answer {
        switch request.method {
        case .allocate: .success(grants)
        case .refresh:
            .success([STUNMessage.Lifetime(request[STUNMessage.Lifetime.self]?.value == 0 ? 0 : grantedLifetime)])
        default: .success([])
        }
    }

    /// What an Allocate success carries.
    var grants: [any STUNAttribute] {
        relays.map { STUNMessage.XORRelayedAddress($0) as any STUNAttribute }
            + [STUNMessage.XORMappedAddress(reflexive), STUNMessage.Lifetime(grantedLifetime)]
    }

    /// No longer than the access token lasts (RFC 7635 §9).
    private var grantedLifetime: UInt32 {
        guard let session else { return lifetime }
        return min(lifetime, UInt32(clamping: (session.expiry - now).components.seconds))
    }
}

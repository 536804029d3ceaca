import NetBase
import STUN
import Testing

private let server = IPAddress(v4: 0xc000_0201)
private let source = TransportAddress(IPAddress(v4: 0xcb00_7105), port: 40_000)

private func request(_ number: UInt64) -> STUNMessage {
    STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 0, low: number))
}

private func response(_ number: UInt64) -> STUNMessage { .bindingResponse(to: request(number), from: source) }

extension STUNClientCore {
    fileprivate mutating func effects() -> [Effect] {
        var result: [Effect] = []
        while let effect = nextEffect() { result.append(effect) }
        return result
    }

    /// The numbers of the requests that are being sent; other effects are left out.
    fileprivate mutating func sent() -> [UInt64] {
        effects().compactMap { effect in
            if case .send(_, let id) = effect { id.low } else { nil }
        }
    }
}

@Suite("STUN client core")
struct ClientCoreTests {
    @Test("Ten requests are in flight at most, the others follow in their order")
    func limit() {
        var core = STUNClientCore(server: server)
        for number in 1...13 { _ = core.start(request(UInt64(number)), at: milliseconds(0)) }
        #expect(core.sent() == Array(1...10))
        #expect(core.waitingCount == 3)
        core.receive(response(4), at: milliseconds(20))
        #expect(core.sent() == [11])
        core.receive(response(1), at: milliseconds(21))
        core.abandon(STUNTransactionID(high: 0, low: 2), at: milliseconds(21))
        #expect(core.sent() == [12, 13])
        #expect(core.outstandingCount == 10 && core.waitingCount == 0)
    }

    @Test("More than a thousand waiting requests are refused")
    func bound() {
        var core = STUNClientCore(server: server)
        let accepted = (1...1020).count { core.start(request(UInt64($0)), at: milliseconds(0)) }
        #expect(accepted == 1010)
    }

    @Test("Requests go out at the RFC's times and fail at 39500 ms")
    func times() throws {
        var core = STUNClientCore(server: server, usesFingerprint: false)
        _ = core.start(request(1), at: milliseconds(0))
        var times: [(Instant, STUNClientCore.Effect)] = []
        for effect in core.effects() { times.append((milliseconds(0), effect)) }
        while let deadline = core.deadline {
            core.advance(to: deadline)
            for effect in core.effects() { times.append((deadline, effect)) }
        }
        let send = STUNClientCore.Effect.send(request(1).bytes, request(1).transactionID)
        #expect(times.map(\.0) == [0, 500, 1500, 3500, 7500, 15500, 31500, 39500].map(milliseconds))
        #expect(times.dropLast().allSatisfy { $0.1 == send })
        #expect(times.last?.1 == .failed(request(1).transactionID, .timeout, unauthenticated: nil))
    }

    @Test("Responses are told with their round-trip time, errors with their code, the rest as unknown")
    func responses() {
        var core = STUNClientCore(server: server)
        for number in UInt64(1)...2 { _ = core.start(request(number), at: milliseconds(0)) }
        _ = core.effects()
        core.receive(response(1), at: milliseconds(30))
        let error = STUNMessage.errorResponse(to: request(2), .serverError)
        core.receive(error, at: milliseconds(40))
        core.receive(response(1), at: milliseconds(50))
        let noise: [UInt8] = [1, 2, 3]
        core.receive(noise.span, at: milliseconds(60))
        #expect(
            core.effects() == [
                .response(response(1), roundTripTime: .milliseconds(30)), .errorResponse(error, .serverError),
                .unknown(response(1).bytes), .unknown([1, 2, 3]),
            ])
        #expect(core.deadline == nil)
    }

    @Test("Requests are signed and have a fingerprint, as set up, and unsigned responses end in a violation")
    func authentication() throws {
        let key = IntegrityKey(shortTermPassword: "secret")
        var core = STUNClientCore(server: server, schedule: .init(requestLimit: 1), key: key, algorithm: .sha256)
        _ = core.start(request(1), at: milliseconds(0))
        guard case .send(let bytes, _) = core.nextEffect() else {
            Issue.record("nothing sent")
            return
        }
        let sent = try STUNMessage(bytes)
        #expect(sent.verifyIntegrity(key) == .valid(.sha256))
        #expect(sent.fingerprint == .valid)
        core.receive(STUNMessage.errorResponse(to: request(1), .unauthenticated), at: milliseconds(1))
        core.advance(to: milliseconds(8000))
        #expect(
            core.effects() == [
                .failed(request(1).transactionID, .integrityViolation, unauthenticated: .unauthenticated)
            ])
    }

    @Test("Clearing forgets everything, without a word")
    func clearing() {
        var core = STUNClientCore(server: server)
        for number in UInt64(1)...12 { _ = core.start(request(number), at: milliseconds(0)) }
        #expect(core.clear().map(\.low) == Array(1...12))
        #expect(core.effects() == [] && core.deadline == nil)
        core.receive(response(1), at: milliseconds(1))
        #expect(core.effects() == [.unknown(response(1).bytes)])
    }

    @Test("A6.2: a slow server makes the next request wait longer, for ten minutes, and only that server's")
    func roundTrips() {
        var core = STUNClientCore(server: server)
        func firstInterval(at start: Instant) -> Duration? {
            _ = core.start(request(7), at: start)
            defer { core.clear() }
            return core.deadline.map { $0 - start }
        }
        _ = core.start(request(1), at: milliseconds(0))
        core.receive(response(1), at: milliseconds(400))
        // RTO = 400 + 4 * 200.
        #expect(firstInterval(at: milliseconds(500)) == .milliseconds(1200))
        core.turn(to: IPAddress(v4: 1))
        #expect(firstInterval(at: milliseconds(500)) == .milliseconds(500))
        core.turn(to: server)
        #expect(firstInterval(at: milliseconds(600_000)) == .milliseconds(1200))
        #expect(firstInterval(at: milliseconds(1_200_000)) == .milliseconds(500))
    }

    @Test("Repeated requests teach nothing about the round trip")
    func karn() {
        var core = STUNClientCore(server: server)
        _ = core.start(request(1), at: milliseconds(0))
        core.advance(to: milliseconds(500))
        _ = core.effects()
        core.receive(response(1), at: milliseconds(900))
        #expect(core.effects() == [.response(response(1), roundTripTime: nil)])
        _ = core.start(request(2), at: milliseconds(1000))
        #expect(core.deadline == milliseconds(1500))
    }

    @Test("The cache of round trips forgets the server that was used least recently")
    func cacheBound() {
        var cache = RoundTripCache(RoundTripEstimator(floor: .milliseconds(1)))
        for number in 0...UInt32(RoundTripCache.capacity) {
            cache.add(.milliseconds(10), for: IPAddress(v4: number), at: milliseconds(Int(number)))
        }
        #expect(cache.count == RoundTripCache.capacity)
        #expect(cache.retransmissionTimeout(for: IPAddress(v4: 1), at: milliseconds(100)) == .milliseconds(30))
        #expect(cache.retransmissionTimeout(for: IPAddress(v4: 0), at: milliseconds(100)) == .milliseconds(500))
    }
}

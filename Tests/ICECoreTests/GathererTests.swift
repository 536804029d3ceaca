import NetBase
import STUN
import Testing

@testable import ICECore

@Suite("Gathering from STUN servers")
struct GathererTests {
    private static let base: TransportAddress = "192.0.2.1:5000"
    private static let server: TransportAddress = "203.0.113.1:3478"
    private static let keepalive = KeepaliveInterval(.seconds(15))

    private var gatherer = Gatherer()
    private var generator = SeededGenerator(seed: 3)

    /// Begins with servers that need no resolving, and one socket.
    private mutating func begin(_ urls: String..., base: TransportAddress = base, timeout: Duration = .seconds(100))
        throws
    {
        gatherer.begin(servers: try urls.map { try ServerURL($0) }, openingSockets: 1, timeout: timeout, at: .ms(0))
        gatherer.socketOpened(0, base: base)
    }

    private mutating func ask(at now: Instant = .ms(0), pacing: Int = 50) -> (Gatherer.Query, STUNMessage)? {
        let query = gatherer.beginNext(
            transactionID: STUNTransactionID(using: &generator), interval: .milliseconds(pacing), pacing: .standard,
            at: now)
        guard let query, case .asking(let transaction) = query.state else { return nil }
        return (query, transaction.request)
    }

    private mutating func receive(
        _ response: STUNMessage, from source: TransportAddress = server, on socket: SocketID = 0,
        at now: Instant = .ms(40)
    ) -> Gatherer.Finding? {
        gatherer.receive(response, from: source, on: socket, keepalive: Self.keepalive, at: now, using: &generator)
    }

    /// Lets time pass from deadline to deadline, and tells when what became due.
    private mutating func run(until end: Instant) -> (sends: [Instant], errors: [CandidateError]) {
        var sends: [Instant] = []
        var errors: [CandidateError] = []
        while let deadline = gatherer.deadline, deadline <= end {
            let due = gatherer.advance(to: deadline, keepalive: Self.keepalive, using: &generator)
            sends += due.sends.map { _ in deadline }
            for case .failed(let error) in due.findings { errors.append(error) }
            if gatherer.finishIfDone() { break }
        }
        return (sends, errors)
    }

    @Test("A server is asked from each socket of its family, and an answer gives the mapped address")
    mutating func answer() throws {
        try begin("stun:203.0.113.1")
        let (query, request) = try unwrap(ask())
        #expect(query.server == Self.server && query.base == Self.base && query.socket == SocketID(number: 0))
        #expect(request.messageClass == .request && request.method == .binding && request.fingerprint == .valid)
        #expect(gatherer.hasQueued == false && gatherer.state == .gathering)
        let finding = receive(.bindingResponse(to: request, from: "198.51.100.7:6000"))
        guard case .mapped(let mapped, let socket, let server)? = finding else {
            Issue.record("no mapped address")
            return
        }
        #expect(mapped == "198.51.100.7:6000" && socket == SocketID(number: 0) && server == Self.server.ip)
        let isDone = gatherer.finishIfDone()
        #expect(isDone && gatherer.state == .complete)
        let isDoneAgain = gatherer.finishIfDone()
        #expect(!isDoneAgain)
    }

    @Test("A server that only knows MAPPED-ADDRESS, and an IPv4-mapped address, will do")
    mutating func oldServer() throws {
        try begin("stun:203.0.113.1")
        let (_, request) = try unwrap(ask())
        var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
        response.append(STUNMessage.MappedAddress("198.51.100.7:6000"))
        guard case .mapped(let mapped, _, _)? = receive(response) else {
            Issue.record("no mapped address")
            return
        }
        #expect(mapped == "198.51.100.7:6000")
    }

    @Test("An answer from elsewhere, on another socket or to another request changes nothing")
    mutating func strangers() throws {
        try begin("stun:203.0.113.1")
        let (_, request) = try unwrap(ask())
        let response = STUNMessage.bindingResponse(to: request, from: "198.51.100.7:6000")
        let other = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 9, low: 9))
        #expect(receive(response, from: "203.0.113.1:3479") == nil)
        #expect(receive(response, on: 1) == nil)
        #expect(receive(.bindingResponse(to: other, from: "198.51.100.7:6000")) == nil)
        #expect(receive(request) == nil)
        #expect(receive(response) != nil)
        #expect(receive(response) == nil, "the second copy of an answer")
    }

    @Test("A silent server is asked at RFC 8489 §6.2.1's times, then reported as unreachable")
    mutating func retransmission() throws {
        try begin("stun:203.0.113.1")
        _ = try unwrap(ask())
        let (sends, errors) = run(until: .ms(60_000))
        #expect(sends == [500, 1500, 3500, 7500, 15_500, 31_500].map(Instant.ms))
        #expect(errors.map(\.errorCode) == [701] && errors.map(\.url) == ["stun:203.0.113.1"])
        #expect(errors.first?.address == Self.base.ip && errors.first?.port == 5000)
        #expect(gatherer.state == .complete)
    }

    @Test("C1.8: the timeout grows with Ta and the number of questions (RFC 8445 §14.3)")
    mutating func manyQuestions() throws {
        try begin("stun:203.0.113.1", "stun:203.0.113.2", "stun:203.0.113.3")
        _ = try unwrap(ask(pacing: 400))
        #expect(gatherer.deadline == .ms(1200))
    }

    @Test("A server's error is told once, however many sockets it answers, with its code and reason")
    mutating func errorOnce() throws {
        gatherer.begin(
            servers: [try ServerURL("stun:203.0.113.1")], openingSockets: 2, timeout: .seconds(10), at: .ms(0))
        gatherer.socketOpened(0, base: Self.base)
        gatherer.socketOpened(1, base: "192.0.2.2:5000")
        var errors: [CandidateError] = []
        for socket in [SocketID(number: 0), SocketID(number: 1)] {
            let (_, request) = try unwrap(ask())
            var response = STUNMessage(.failure, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.ErrorCode(code: 401, reason: "Not you"))
            if case .failed(let error)? = receive(response, on: socket) { errors.append(error) }
        }
        #expect(errors.map(\.errorCode) == [401] && errors.map(\.errorText) == ["Not you"])
        let isDone = gatherer.finishIfDone()
        #expect(isDone)
    }

    @Test("An answer without a usable address is an error, not a candidate")
    mutating func uselessAnswer() throws {
        for address in [nil, "[2001:db8::7]:6000"] as [TransportAddress?] {
            try begin("stun:203.0.113.1")
            let (_, request) = try unwrap(ask())
            var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
            if let address { response.append(STUNMessage.XORMappedAddress(address)) }
            guard case .failed(let error)? = receive(response) else {
                Issue.record("taken for an answer")
                continue
            }
            #expect(error.errorCode == 600)
        }
    }

    @Test("A server that the system can't reach is reported as such, and holds nothing up")
    mutating func unreachable() throws {
        try begin("stun:203.0.113.1", "stun:203.0.113.2")
        _ = try unwrap(ask())
        _ = try unwrap(ask())
        let failure = NetworkError(.networkUnreachable, name: "ENETUNREACH", operation: "send")
        guard case .failed(let error)? = gatherer.unreachable(Self.server, from: 0, failure) else {
            Issue.record("not reported")
            return
        }
        #expect(error.errorCode == 701 && error.errorText.contains("ENETUNREACH"))
        #expect(gatherer.unreachable(Self.server, from: 0, failure) == nil)
        #expect(gatherer.unreachable("203.0.113.9:3478", from: 0, failure) == nil)
        let (_, errors) = run(until: .ms(60_000))
        #expect(errors.map(\.url) == ["stun:203.0.113.2"])
    }

    @Test("At the timeout, gathering ends with an error for each server that has not answered")
    mutating func timeout() throws {
        try begin("stun:203.0.113.1", "stun:name.example", "stun:203.0.113.2", timeout: .seconds(2))
        _ = try unwrap(ask())
        let (_, errors) = run(until: .ms(60_000))
        #expect(Set(errors.map(\.url)) == ["stun:203.0.113.1", "stun:name.example", "stun:203.0.113.2"])
        #expect(errors.allSatisfy { $0.errorCode == 701 } && gatherer.state == .complete && gatherer.deadline == nil)
    }

    @Test("Names are asked for, and one address of each family is used")
    mutating func names() throws {
        try begin("stun:203.0.113.1", "stun:name.example:9000")
        let unresolved = gatherer.unresolvedServers
        #expect(unresolved.map(\.index) == [1] && unresolved.map(\.host) == ["name.example"])
        _ = gatherer.resolved(1, to: ["2001:db8::1", "203.0.113.7", "203.0.113.8"])
        _ = gatherer.resolved(1, to: ["203.0.113.9"])
        #expect(gatherer.unresolvedServers.isEmpty)
        gatherer.addSocket(1, base: "[2001:db8::5]:5000")
        var asked: [String] = []
        while let (query, _) = ask() { asked.append(query.server.description) }
        #expect(asked == ["203.0.113.1:3478", "203.0.113.7:9000", "[2001:db8::1]:9000"])
    }

    @Test("A name that can't be resolved is reported once, without an address")
    mutating func unresolvable() throws {
        try begin("stun:name.example")
        let error = try unwrap(gatherer.resolutionFailed(0, "no such name") as CandidateError?)
        #expect(
            error.errorCode == 701 && error.address == nil && error.port == nil
                && error.errorText.contains("no such name"))
        #expect(gatherer.resolutionFailed(0, "no such name") == nil && gatherer.resolutionFailed(7, "") == nil)
        let isDone = gatherer.finishIfDone()
        #expect(isDone)
    }

    @Test(
        "From loopback and link-local addresses only servers of the same reach are asked",
        arguments: [
            ("127.0.0.1:5000", "203.0.113.1", false), ("127.0.0.1:5000", "127.0.0.1", true),
            ("169.254.1.1:5000", "203.0.113.1", false),
        ])
    mutating func reach(base: String, server: String, isAsked: Bool) throws {
        try begin("stun:\(server)", base: try unwrap(TransportAddress(base) as TransportAddress?))
        #expect(gatherer.hasQueued == isAsked)
    }

    @Test("Without servers gathering ends when the sockets are there; one that fails holds nothing up")
    mutating func withoutServers() {
        gatherer.begin(servers: [], openingSockets: 2, timeout: .seconds(10), at: .ms(0))
        gatherer.socketOpened(0, base: Self.base)
        let early = gatherer.finishIfDone()
        #expect(!early)
        gatherer.socketFailed()
        let isDone = gatherer.finishIfDone()
        #expect(isDone)
    }

    @Test("What was found is kept alive by new requests in the interval, until that is stopped (RFC 8445 §5.1.1.4)")
    mutating func keepalives() throws {
        try begin("stun:203.0.113.1")
        let (_, request) = try unwrap(ask())
        _ = receive(.bindingResponse(to: request, from: "198.51.100.7:6000"), at: .ms(40))
        _ = gatherer.finishIfDone()
        var ids: Set<STUNTransactionID> = [request.transactionID]
        var last = Instant.ms(40)
        for _ in 1...3 {
            let deadline = try #require(gatherer.deadline)
            #expect(deadline >= last + .seconds(15) && deadline <= last + .seconds(20))
            last = deadline
            let due = gatherer.advance(to: deadline, keepalive: Self.keepalive, using: &generator)
            #expect(due.sends.map(\.1) == [Self.server] && due.findings.isEmpty)
            for (_, _, message) in due.sends { ids.insert(message.transactionID) }
        }
        #expect(ids.count == 4)
        gatherer.stopKeepalives()
        #expect(gatherer.deadline == nil)
    }

    @Test("A name that is looked up beside what is under way has its time, too, where that has none")
    mutating func retryWithoutEnd() throws {
        gatherer.begin(
            servers: try ["turn:203.0.113.1", "stun:stun.example"].map { try ServerURL($0) }, openingSockets: 1,
            isContinual: true, timeout: .seconds(10), at: .ms(0))
        gatherer.socketOpened(0, base: Self.base)
        #expect(gatherer.beginNextRelay(as: 1) != nil)
        #expect(gatherer.relayOpened(1) != nil)
        #expect(run(until: .ms(20_000)).errors.count == 1)
        #expect(gatherer.isSettled && gatherer.deadline == nil)
        gatherer.relayLost(1, isCalm: true)
        #expect(gatherer.isUnderWay)
        let unnamed = gatherer.retryFailed(asksForRelays: true, timeout: .seconds(10), at: .ms(20_000))
        #expect(unnamed.map(\.index) == [1] && unnamed.map(\.host) == ["stun.example"])
        #expect(gatherer.retryFailed(asksForRelays: true, timeout: .seconds(10), at: .ms(25_000)).isEmpty)
        #expect(gatherer.deadline == .ms(30_000))
    }
}

import ICETesting
import STUN
import Testing

@testable import ICE

/// What of a session an outsider must not be able to change.
struct SessionSnapshot: Hashable {
    let role: Role
    let state: ICEState
    let remoteCandidates: [Candidate]
    let pairs: [CandidatePair]
    let selected: CandidatePair?

    init(_ client: ICEClient) {
        role = client.role
        state = client.state
        remoteCandidates = client.remoteCandidates
        pairs = client.candidatePairs
        selected = client.selectedPair()
    }
}

@Suite("A2, A4, C6: messages that are forged, broken or not understood")
struct AuthenticationTests {
    struct Forgery: Sendable, CustomStringConvertible {
        let description: String
        let code: Int?
        let change: @Sendable (inout ScriptedPeer.Check) -> Void
    }

    static let forgeries = [
        Forgery(description: "no integrity", code: 400) { $0.isSigned = false },
        Forgery(description: "unknown user", code: 401) { $0.username = "nobody:peer" },
        Forgery(description: "no colon in the username", code: 401) { $0.username = "nobody" },
        Forgery(description: "wrong password", code: 401) { $0.password = "thisIsNotThePasswordAtAll" },
        Forgery(description: "no fingerprint", code: nil) { $0.hasFingerprint = false },
    ]

    @Test("A4.1: a forged check gets one error or nothing, and changes nothing", arguments: forgeries, [false, true])
    func forged(_ forgery: Forgery, isConnected: Bool) throws {
        let call = try ScriptedCall(role: .controlled)
        if isConnected { #expect(try call.connect()) } else { try call.start() }
        let outsider = try ScriptedPeer(
            call.network, call.network.makeHost("outsider", addresses: ["203.0.113.9"]), at: "203.0.113.9:9000")
        let before = SessionSnapshot(call.client)
        for role in [Role.controlled, .controlling] {
            outsider.sendCheck(to: call.client) {
                $0.role = role
                $0.tieBreaker = .max
                $0.nominates = true
                forgery.change(&$0)
            }
        }
        call.run(.milliseconds(900))
        #expect(SessionSnapshot(call.client) == before)
        #expect(outsider.datagramCount == (forgery.code == nil ? 0 : 2))
        for response in outsider.responses { #expect(response[STUNMessage.ErrorCode.self]?.code == forgery.code) }
        #expect(call.client.statistics().unauthenticatedRequests == 2)
    }

    @Test("A4.1: errors to the unauthenticated are not signed")
    func unsignedErrors() throws {
        let call = try ScriptedCall()
        try call.start()
        call.peer.sendCheck(to: call.client) { $0.password = "thisIsNotThePasswordAtAll" }
        call.run(.milliseconds(50))
        let response = try #require(call.peer.responses.first)
        #expect(!response.contains(type: STUNMessage.MessageIntegrity.type))
        #expect(!response.contains(type: STUNMessage.Username.type))
    }

    @Test("A2.1: a check whose fingerprint is wrong is dropped, whatever its signature")
    func wrongFingerprint() throws {
        let call = try ScriptedCall()
        try call.start()
        var bytes = call.peer.check(for: call.client.localParameters).bytes
        bytes[bytes.count - 1] ^= 1
        call.peer.send(bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(50))
        #expect(call.peer.datagramCount == 0)
        #expect(call.client.remoteCandidates.isEmpty)
        #expect(call.client.statistics().unauthenticatedRequests == 1)
    }

    @Test("A2.2: an attribute that must be understood and is not gets 420 by its name; without credentials, the 401")
    func unknownAttribute() throws {
        let call = try ScriptedCall()
        try call.start()
        for password in [call.client.localParameters.password, "thisIsNotThePasswordAtAll"] {
            let plain = call.peer.check(for: call.client.localParameters) {
                $0.isSigned = false
                $0.hasFingerprint = false
            }
            // 0x7f01, length 4: added by hand, because the codec knows no such attribute.
            var bytes = plain.bytes + [0x7f, 0x01, 0, 4, 1, 2, 3, 4]
            bytes[3] = UInt8(bytes.count - 20)
            var message = try STUNMessage(parsing: bytes.span)
            message.appendIntegrity(IntegrityKey(shortTermPassword: password))
            message.appendFingerprint()
            call.peer.send(message.bytes, to: call.client.localCandidates[0].address)
        }
        call.run(.milliseconds(50))
        #expect(call.peer.responses.map { $0[STUNMessage.ErrorCode.self]?.code } == [420, 401])
        #expect(call.peer.responses.first?[STUNMessage.UnknownAttributes.self]?.value == [0x7f01])
        #expect(call.client.remoteCandidates.isEmpty)
    }

    @Test("A2.8, H33: USE-CANDIDATE behind the signature nominates nothing")
    func attributeBehindIntegrity() throws {
        let call = try ScriptedCall(role: .controlled)
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(1)))
        var message = call.peer.check(for: call.client.localParameters) {
            $0.role = .controlling
            $0.hasFingerprint = false
        }
        let bytes = message.bytes + [0x00, 0x25, 0, 0]
        var longer = bytes
        longer[3] = UInt8(bytes.count - 20)
        message = try STUNMessage(parsing: longer.span)
        message.appendFingerprint()
        call.peer.send(message.bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(100))
        #expect(call.peer.responses.last?.messageClass == .success)
        #expect(call.nominated.isEmpty)
    }

    @Test("C4.4: a check without PRIORITY gets a signed 400 and teaches no candidate")
    func missingPriority() throws {
        let call = try ScriptedCall()
        try call.start()
        call.peer.sendCheck(to: call.client) { $0.priority = nil }
        call.run(.milliseconds(50))
        #expect(call.peer.responses.map { $0[STUNMessage.ErrorCode.self]?.code } == [400])
        let key = IntegrityKey(shortTermPassword: call.client.localParameters.password)
        #expect(call.peer.responses.first?.verifyIntegrity(key) == .valid(.sha1))
        #expect(call.client.remoteCandidates.isEmpty)
    }

    @Test("H32: a check that claims no role is answered and acted upon")
    func noRole() throws {
        let call = try ScriptedCall()
        try call.start()
        call.peer.sendCheck(to: call.client) { $0.role = nil }
        call.run(.milliseconds(100))
        #expect(call.peer.responses.first?.messageClass == .success)
        #expect(call.client.state == .connected)
    }

    @Test("C6.4: a flood of forged checks from many addresses leaves no trace and is answered once each")
    func flood() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let before = SessionSnapshot(call.client)
        call.network.isTracing = true
        for number in 0..<1000 {
            let check = call.peer.check(for: call.client.localParameters) { $0.password = "thisIsNotThePasswordAtAll" }
            let source = TransportAddress(
                IPAddress(v4: 0xcb00_7100 | UInt32(number & 0xff)), port: UInt16(2000 + number))
            call.network.inject(check.bytes, from: source, to: call.client.localCandidates[0].address)
        }
        call.run(.milliseconds(500))
        #expect(SessionSnapshot(call.client) == before)
        let sent = call.network.trace.filter {
            $0.event == .sent && $0.place == "client" && $0.destination.ip != "198.51.100.1"
        }
        #expect(sent.count == 1000)
        #expect(Set(sent.map(\.destination)).count == 1000)
    }

    @Test("C6.3: without a verified answer no data goes anywhere, and none from strangers comes in")
    func strangersData() throws {
        let call = try ScriptedCall()
        try call.start()
        call.peer.answer = { _, _, _ in nil }
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(300))
        #expect(!call.peer.requests.isEmpty)
        #expect(throws: ICEError.self) { try call.client.send("too early") }
        call.peer.send([200, 1, 2, 3], to: call.client.localCandidates[0].address)
        call.peer.send([], to: call.client.localCandidates[0].address)
        call.run(.milliseconds(50))
        #expect(call.received.isEmpty)
        #expect(call.client.statistics().foreignDatagrams == 2)
    }

    @Test("A6.9, H34: from a validated peer, every first byte and the empty datagram are the application's")
    func everyFirstByte() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let target = call.client.localCandidates[0].address
        call.peer.send([], to: target)
        for byte in UInt8.min...UInt8.max { call.peer.send([byte] + Array(repeating: 0x55, count: 30), to: target) }
        call.run(.milliseconds(100))
        #expect(call.received.count == 257)
    }

    @Test("A1.6: what looks like STUN and is malformed is dropped and counted")
    func malformed() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let before = SessionSnapshot(call.client)
        // An attribute that says it is longer than the message.
        let broken: [UInt8] =
            [0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42] + Array(repeating: 7, count: 12) + [0, 6, 0, 200, 1, 2, 3, 4]
        call.peer.send(broken, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(50))
        #expect(call.client.statistics().malformedMessages == 1)
        #expect(SessionSnapshot(call.client) == before)
        #expect(call.received.isEmpty)
    }

    @Test("A request of another method, or an indication, gets no answer and changes nothing")
    func otherMethods() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let before = SessionSnapshot(call.client)
        let count = call.peer.datagramCount
        var generator = SeededGenerator(seed: 1)
        let key = IntegrityKey(shortTermPassword: call.client.localParameters.password)
        for (kind, method) in [(STUNClass.request, STUNMethod.allocate), (.indication, .data), (.indication, .binding)]
        {
            var message = STUNMessage(kind, method, transactionID: STUNTransactionID(using: &generator))
            message.append(STUNMessage.Username("\(call.client.localParameters.usernameFragment):peer"))
            message.appendIntegrity(key)
            message.appendFingerprint()
            call.peer.send(message.bytes, to: call.client.localCandidates[0].address)
        }
        call.run(.milliseconds(100))
        #expect(call.peer.datagramCount == count)
        #expect(SessionSnapshot(call.client) == before)
    }
}

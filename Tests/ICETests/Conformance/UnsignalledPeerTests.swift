import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("C5.9: a lite agent whose peer signals nothing")
struct UnsignalledPeerTests {
    private static func call(
        _ configure: (inout ICEConfiguration) -> Void = { _ in }
    ) throws -> ScriptedCall {
        let call = try ScriptedCall(role: .controlled) {
            ($0.isLite, $0.acceptsUnsignalledPeer) = (true, true)
            configure(&$0)
        }
        try call.start(withCredentials: false)
        return call
    }

    private static func nominate(_ call: ScriptedCall, as name: String = "peer", password: String? = nil) {
        let own = call.client.localParameters.usernameFragment
        call.peer.sendCheck(to: call.client) {
            ($0.role, $0.nominates) = (.controlling, true)
            ($0.username, $0.password) = ("\(own):\(name)", password)
        }
        call.run(.milliseconds(50))
    }

    private static func code(_ body: () throws -> Void) -> ICEError.Code? {
        do { try body() } catch { return (error as? ICEError)?.code }
        return nil
    }

    @Test(
        "A full agent is told that it can't go by an unsignalled peer, and a lite one nothing",
        arguments: [false, true])
    func fullAgent(isLite: Bool) throws {
        let call = try Self.call { $0.isLite = isLite }
        call.run(.milliseconds(50))
        let errors = call.candidateErrors.map(\.errorText)
        #expect(errors.contains { $0.contains("acceptsUnsignalledPeer") && $0.contains("isLite") } == !isLite)
        #expect(errors.count == (isLite ? 0 : 1))
    }

    @Test("C5.9: whoever proves to know the password is the peer: its nomination is followed, and data goes both ways")
    func suffices() throws {
        let call = try Self.call()
        Self.nominate(call)
        #expect(call.peer.responses.map(\.messageClass) == [.success])
        #expect(call.nominated.count == 1 && call.client.state == .completed)
        try call.client.send("to the peer")
        call.peer.send(Array("from it".utf8), to: call.client.localCandidates[0].address)
        call.run(.milliseconds(50))
        #expect(call.peer.data.count == 1 && call.received.count == 1)
        #expect(call.peer.requests.isEmpty)
        #expect(call.client.remoteParameters == nil, "nothing was signalled")
    }

    @Test("C5.9: the peer's username fragment is that of its first check: others are answered, and no more")
    func stable() throws {
        let call = try Self.call()
        Self.nominate(call)
        let other = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001", name: "other")
        for _ in 0..<25 {
            other.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
            Self.nominate(call, as: "other")
            call.run(.seconds(1))
        }
        #expect(other.responses.count == 25 && other.responses.allSatisfy { $0.messageClass == .success })
        #expect(call.nominated.count == 1 && call.client.remoteCandidates.count == 1)
        call.run(.seconds(5))
        #expect(call.client.state == .failed, "nor are these signs of the peer's life")
    }

    @Test("Who does not know the password is not the peer, and fails the session no later than silence would")
    func passwords() throws {
        let call = try Self.call()
        for password in ["", "anotherPasswordThatIsLong"] { Self.nominate(call, as: "other", password: password) }
        #expect(call.peer.responses.map(\.messageClass) == [.failure, .failure])
        #expect(call.nominated.isEmpty)
        call.run(.seconds(40))
        #expect(call.client.state == .failed && call.client.failure?.code == .checksFailed)
        let late = try Self.call()
        Self.nominate(late, as: "other", password: "anotherPasswordThatIsLong")
        late.run(.seconds(30))
        Self.nominate(late)
        #expect(late.nominated.count == 1 && late.client.state == .completed)
    }

    @Test("Who does not claim to control is told to, before it is the peer")
    func roles() throws {
        let call = try Self.call()
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlled, true) }
        call.run(.milliseconds(50))
        #expect(call.peer.responses.first?[STUNMessage.ErrorCode.self]?.code == 487)
        #expect(call.nominated.isEmpty)
        Self.nominate(call)
        #expect(call.nominated.count == 1)
    }

    @Test("What the peer signals later under the same fragment is taken, and nothing else")
    func signalledLater() throws {
        let call = try Self.call()
        Self.nominate(call)
        let other = try ICEParameters(usernameFragment: "other", password: "anotherPasswordThatIsLong")
        #expect(Self.code { try call.client.setRemoteParameters(other) } == .remoteParametersAlreadySet)
        try call.client.setRemoteParameters(call.peer.parameters)
        #expect(call.client.remoteParameters == call.peer.parameters)
        let changed = try ICEParameters(usernameFragment: "peer", password: "anotherPasswordThatIsLong")
        #expect(Self.code { try call.client.setRemoteParameters(changed) } == .remoteParametersAlreadySet)
        call.run(.milliseconds(50))
        #expect(call.nominated.count == 1 && call.client.state == .completed)
    }

    @Test("What is signalled first is what counts; a restart takes whoever is first anew")
    func signalledFirst() throws {
        let call = try Self.call()
        try call.client.setRemoteParameters(call.peer.parameters)
        Self.nominate(call, as: "other")
        #expect(call.nominated.isEmpty)
        Self.nominate(call)
        #expect(call.nominated.count == 1)
        call.client.restart()
        call.run(.milliseconds(50))
        Self.nominate(call, as: "other")
        #expect(call.nominated.count == 2 && call.client.state == .completed)
    }

    @Test("A full agent waits for the peer's parameters all the same")
    func full() throws {
        let call = try Self.call { $0.isLite = false }
        Self.nominate(call)
        #expect(call.peer.responses.count == 1 && call.peer.requests.isEmpty)
        #expect(call.nominated.isEmpty && call.client.state == .new)
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.milliseconds(200))
        #expect(call.nominated.count == 1)
    }
}

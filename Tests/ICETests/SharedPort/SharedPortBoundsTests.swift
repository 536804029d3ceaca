import ICE
import ICETesting
import STUN
import Testing

@Suite("A shared port: who is let in, and how far")
struct SharedPortBoundsTests {
    private static let password = "aPasswordThatIsLongEnough"

    private static func credentials(_ name: String) throws -> Credentials {
        try Credentials(usernameFragment: name, password: password)
    }

    /// Answers every unknown username with a lite client.
    private func serve(_ scene: SharedScene) -> () -> [ICEClient] {
        final class Clients { var all: [ICEClient] = [] }
        let clients = Clients()
        scene.port.onUnknownUsername = { [weak scene] check in
            guard let scene, let credentials = try? Self.credentials(check.usernameFragment) else { return }
            let client = try? scene.answerer {
                $0.isLite = true
                $0.localCredentials = credentials
            }
            client?.gatherCandidates()
            client?.processCandidates()
            if let client { clients.all.append(client) }
        }
        return { clients.all }
    }

    @Test("A client is made for a check with an unknown username, which is answered at once")
    func onDemand() throws {
        let scene = try SharedScene()
        let clients = serve(scene)
        let caller = scene.caller(on: scene.network.makeHost("caller", addresses: ["203.0.113.1"]))
        try caller.setRemoteParameters(
            ICEParameters(credentials: try Self.credentials("room"), options: ["ice2"], isLite: true))
        caller.gatherCandidates()
        caller.processCandidates()
        try caller.addRemoteCandidate("candidate:1 1 udp 2130706431 192.0.2.10 4000 typ host")
        let start = scene.network.now
        let isConnected = scene.run(until: [caller])
        #expect(isConnected && scene.network.now - start <= SharedScene.delay * 2 + .milliseconds(60))
        let client = try #require(clients().first)
        #expect(clients().count == 1 && client.localParameters.usernameFragment == "room")
        try caller.send("hello")
        scene.network.run(for: .milliseconds(100))
        #expect(scene.texts(of: client) == ["hello"])
        #expect(scene.port.statistics.unknownUsernames == 1)
    }

    @Test(
        "All that a lite client on demand has to know of its peer is in the check: data goes both ways, until the peer goes"
    )
    func onDemandBothWays() throws {
        let scene = try SharedScene()
        var made: [ICEClient] = []
        scene.port.onUnknownUsername = { [unowned scene] check in
            guard let credentials = try? Self.credentials(check.usernameFragment) else { return }
            let client = try? scene.answerer {
                ($0.isLite, $0.acceptsUnsignalledPeer) = (true, true)
                $0.localCredentials = credentials
            }
            client?.gatherCandidates()
            client?.processCandidates()
            if let client { made.append(client) }
        }
        // Somebody knows the name, and not the password: he may be first, and is not the peer.
        let host = scene.network.makeHost("stranger", addresses: ["203.0.113.9"])
        let stranger = try ScriptedPeer(scene.network, host, at: "203.0.113.9:5000", name: "stranger")
        let guessed = try ICEParameters(usernameFragment: "room", password: "aPasswordThatIsGuessedAt")
        stranger.send(stranger.check(for: guessed) { $0.nominates = true }.bytes, to: "192.0.2.10:4000")
        scene.network.run(for: .milliseconds(100))
        #expect(made.count == 1 && stranger.responses.map(\.messageClass) == [.failure])
        let caller = scene.caller(on: scene.network.makeHost("caller", addresses: ["203.0.113.1"]))
        try caller.setRemoteParameters(
            ICEParameters(credentials: try Self.credentials("room"), options: ["ice2"], isLite: true))
        caller.gatherCandidates()
        caller.processCandidates()
        try caller.addRemoteCandidate("candidate:1 1 udp 2130706431 192.0.2.10 4000 typ host")
        caller.addRemoteCandidate(nil as Candidate?)
        #expect(scene.run(until: [caller], are: [.completed]))
        let client = try #require(made.first)
        scene.network.run(for: .seconds(60))
        #expect(made.count == 1 && client.state == .completed && caller.state == .completed)
        #expect(try scene.talks((caller, client)))
        caller.close()
        scene.network.run(for: .seconds(31))
        #expect(client.state == .failed)
        client.close()
        #expect(scene.port.statistics.clients == 0)
    }

    @Test("Unknown usernames are told of at a limited rate, and leave nothing behind")
    func rateLimit() throws {
        let scene = try SharedScene { $0.unknownUsernamesPerSecond = 10 }
        var told = 0
        scene.port.onUnknownUsername = { _ in told += 1 }
        let host = scene.network.makeHost("stranger", addresses: ["203.0.113.9"])
        let stranger = try ScriptedPeer(scene.network, host, at: "203.0.113.9:5000")
        for index in 0..<200 {
            let target = try ICEParameters(usernameFragment: "name\(index)", password: Self.password)
            scene.network.schedule(after: .milliseconds(index * 10)) {
                // Each from a network of its own.
                let source = TransportAddress(IPAddress(v4: 0x6440_0001 + UInt32(index) << 8), port: 5000)
                scene.network.inject(stranger.check(for: target).bytes, from: source, to: "192.0.2.10:4000")
            }
        }
        scene.network.run(for: .seconds(3))
        #expect(told >= 25 && told <= 31)
        #expect(scene.port.statistics.droppedUnknownUsernames == UInt64(200 - told))
        #expect(scene.port.statistics.clients == 0)
        #expect(stranger.datagramCount == 0)
    }

    @Test(
        "What is no check, has a broken fingerprint or no username of two parts is not told of", arguments: [0, 1, 2])
    func malformed(_ kind: Int) throws {
        let scene = try SharedScene()
        var told = 0
        scene.port.onUnknownUsername = { _ in told += 1 }
        let host = scene.network.makeHost("stranger", addresses: ["203.0.113.9"])
        let stranger = try ScriptedPeer(scene.network, host, at: "203.0.113.9:5000")
        let target = try ICEParameters(usernameFragment: "name", password: Self.password)
        switch kind {
        case 0: stranger.send([1, 2, 3], to: "192.0.2.10:4000")
        case 1:
            let check = stranger.check(for: target) { $0.hasFingerprint = false }
            stranger.send(check.bytes, to: "192.0.2.10:4000")
        default:
            let check = stranger.check(for: target) { $0.username = "name" }
            stranger.send(check.bytes, to: "192.0.2.10:4000")
        }
        scene.network.run(for: .seconds(1))
        #expect(told == 0)
        let statistics = scene.port.statistics
        #expect(statistics.foreignDatagrams + statistics.droppedUnknownUsernames == 1)
    }

    @Test("A check without the right password gives its sender no share in a call")
    func forgery() throws {
        let scene = try SharedScene()
        let call = try scene.connect(scene.network.makeHost("caller", addresses: ["203.0.113.1"]))
        let host = scene.network.makeHost("stranger", addresses: ["203.0.113.9"])
        let stranger = try ScriptedPeer(scene.network, host, at: "203.0.113.9:5000")
        let target = try ICEParameters(
            usernameFragment: call.answerer.localParameters.usernameFragment, password: Self.password)
        stranger.send(stranger.check(for: target).bytes, to: "192.0.2.10:4000")
        scene.network.run(for: .milliseconds(100))
        stranger.send(Array("intruder".utf8), to: "192.0.2.10:4000")
        scene.network.run(for: .milliseconds(100))
        #expect(scene.texts(of: call.answerer).isEmpty)
        #expect(scene.port.statistics.foreignDatagrams == 1)
        #expect(try scene.talks(call))
    }

    @Test("A peer of one call that forges the address of another's keeps that out of no call of its own")
    func squatting() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("accomplice", addresses: ["203.0.113.9"])
        let accomplice = try ScriptedPeer(scene.network, host, at: "203.0.113.9:5000")
        let first = try scene.answerer()
        try first.setRemoteParameters(accomplice.parameters)
        first.gatherCandidates()
        first.processCandidates()
        scene.network.run(for: .milliseconds(100))
        let check = accomplice.check(for: first.localParameters) { $0.role = .controlling }
        scene.network.inject(check.bytes, from: "203.0.113.1:7000", to: "192.0.2.10:4000")
        scene.network.run(for: .milliseconds(100))
        let call = try scene.connect(scene.network.makeHost("caller", addresses: ["203.0.113.1"])) {
            $0.portRange = 7000...7000
        }
        #expect(call.answerer.selectedPair()?.remote.address == "203.0.113.1:7000")
        #expect(try scene.talks(call))
    }

    @Test("A second call between the same two ends fails with a clear reason, and leaves the first alone")
    func sameEnds() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let far = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 6000))
        var calls: [(caller: ICEClient, answerer: ICEClient)] = []
        for _ in 0..<2 {
            let caller = scene.listening(try ICEClient(port: far, configuration: ICEConfiguration(role: .controlling)))
            let call = (caller: caller, answerer: try scene.answerer())
            try scene.introduce(call.caller, call.answerer)
            scene.network.run(for: .seconds(2))
            calls.append(call)
        }
        #expect(try scene.talks(calls[0]))
        #expect(calls[1].answerer.selectedPair() == nil && calls[1].caller.selectedPair() == nil)
        for client in [calls[1].caller, calls[1].answerer] {
            let failure = try #require(scene.failures(of: client).first)
            #expect(failure.code == .addressTaken)
            #expect(failure.message.contains("another client of the shared port"))
        }
        calls[0].caller.close()
        calls[0].answerer.close()
        // The ends are free now.
        let third = (
            caller: scene.listening(try ICEClient(port: far, configuration: ICEConfiguration(role: .controlling))),
            answerer: try scene.answerer()
        )
        try scene.introduce(third.caller, third.answerer)
        let isConnected = scene.run(until: [third.caller, third.answerer])
        #expect(isConnected)
        #expect(try scene.talks(third))
    }

    @Test("A peer's address is given to another call once its first one hears nothing any more")
    func successor() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let first = try scene.connect(host) { $0.portRange = 7000...7000 }
        // The process dies without a word, and another one takes its port.
        first.caller.close()
        scene.network.run(for: .seconds(12))
        #expect(first.answerer.state == .disconnected)
        let second = try scene.connect(host) { $0.portRange = 7000...7000 }
        #expect(second.answerer.selectedPair()?.remote.address == "203.0.113.1:7000")
        #expect(try scene.talks(second))
        #expect(scene.texts(of: first.answerer).isEmpty)
    }

    @Test("A username fragment belongs to one client of a port, and a closed port takes none")
    func names() throws {
        let scene = try SharedScene()
        let first = try scene.answerer { $0.localCredentials = try? Self.credentials("room") }
        let fault = #expect(throws: ICEError.self) {
            try scene.answerer { $0.localCredentials = try? Self.credentials("room") }
        }
        #expect(fault?.code == .usernameFragmentInUse)
        first.close()
        let second = try scene.answerer { $0.localCredentials = try? Self.credentials("room") }
        #expect(scene.port.statistics.clients == 1)
        scene.port.close()
        let late = #expect(throws: ICEError.self) { try scene.answerer() }
        #expect(late?.code == .closed)
        second.close()
    }

    @Test("A client that is let go without a word leaves the port")
    func letGo() throws {
        let scene = try SharedScene()
        var client: ICEClient? = try scene.answerer()
        client?.gatherCandidates()
        scene.network.run(for: .milliseconds(100))
        #expect(scene.port.statistics.clients == 1)
        client = nil
        scene.network.run(for: .milliseconds(100))
        #expect(scene.port.statistics.clients == 0)
    }

    @Test("A second component finds no room on a shared port")
    func components() throws {
        let scene = try SharedScene()
        let client = try scene.answerer()
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        try client.addStream(components: 2)
        client.gatherCandidates()
        scene.network.run(for: .seconds(1))
        #expect(client.localCandidates.map(\.component) == [.rtp])
        #expect(errors.contains { $0.errorText.contains("shared port") })
    }
}

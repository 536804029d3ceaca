import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("A shared port: addresses that change hands, and names that do")
struct SharedPortBugTests {
    private static let password = "aPasswordThatIsLongEnough"
    private static let port: TransportAddress = "192.0.2.10:4000"
    private static let victim: TransportAddress = "203.0.113.1:7000"

    private static func credentials(_ name: String) throws -> Credentials {
        try Credentials(usernameFragment: name, password: password)
    }

    /// A client on the port whose peer is a script with a call of its own.
    private func accomplice(
        of peer: ScriptedPeer, _ scene: SharedScene, isLite: Bool = false
    ) throws -> ICEClient {
        let client = try scene.answerer {
            $0.isLite = isLite
            // Tests want to see the addresses that checks have shown.
            $0.multicastDNS = .off
        }
        client.gatherCandidates()
        client.processCandidates()
        try client.setRemoteParameters(peer.parameters)
        scene.network.run(for: .milliseconds(50))
        nominate(client, peer)
        scene.network.run(for: .milliseconds(500))
        return client
    }

    private func nominating(_ client: ICEClient, _ peer: ScriptedPeer) -> [UInt8] {
        peer.check(for: client.localParameters) {
            $0.role = .controlling
            $0.nominates = true
        }.bytes
    }

    private func nominate(_ client: ICEClient, _ peer: ScriptedPeer) {
        peer.send(nominating(client, peer), to: Self.port)
    }

    /// A caller that knows a room's password, and needs nobody's signalling.
    private func call(_ room: String, _ scene: SharedScene, from host: SimulatedHost) throws -> ICEClient {
        let caller = scene.caller(on: host) { $0.portRange = 7000...7000 }
        try caller.setRemoteParameters(
            ICEParameters(credentials: try Self.credentials(room), options: ["ice2"], isLite: true))
        caller.gatherCandidates()
        caller.processCandidates()
        try caller.addRemoteCandidate("candidate:1 1 udp 2130706431 192.0.2.10 4000 typ host")
        return caller
    }

    /// Answers every unknown username with a lite client.
    private func serve(_ scene: SharedScene) -> () -> [String] {
        final class Clients {
            var all: [ICEClient] = []
            var names: [String] = []
        }
        let clients = Clients()
        scene.port.onUnknownUsername = { [weak scene] check in
            guard let scene, let credentials = try? Self.credentials(check.usernameFragment) else { return }
            let client = try? scene.answerer {
                $0.isLite = true
                $0.localCredentials = credentials
            }
            client?.gatherCandidates()
            client?.processCandidates()
            clients.names.append(check.usernameFragment)
            if let client { clients.all.append(client) }
        }
        return { clients.names }
    }

    // MARK: Addresses that change hands

    @Test("A peer that calls again from the same address, before its old call is known to be dead, is heard")
    func redial() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let first = try scene.connect(host) { $0.portRange = 7000...7000 }
        first.caller.close()
        let second = try scene.connect(host) { $0.portRange = 7000...7000 }
        let isConnected = scene.run(until: [second.caller, second.answerer], atMost: .seconds(30))
        try #require(isConnected)
        #expect(try scene.talks(second))
    }

    @Test("So is one whose calls are with lite clients, and its data is not the old call's")
    func liteRedial() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let first = try scene.connect(
            host, caller: { $0.portRange = 7000...7000 }, answerer: { $0.isLite = true })
        first.caller.close()
        let second = try scene.connect(
            host, caller: { $0.portRange = 7000...7000 }, answerer: { $0.isLite = true })
        // As an application does that sends and hears nothing.
        for _ in 0..<30 {
            if second.caller.selectedPair() != nil { try second.caller.send("for the second call") }
            scene.network.run(for: .seconds(1))
        }
        try #require(second.caller.selectedPair() != nil)
        #expect(try scene.talks(second))
        #expect(scene.texts(of: first.answerer).isEmpty)
    }

    @Test("A check for a new client is told of although it comes from the address of a call that has ended")
    func successorOnDemand() throws {
        let scene = try SharedScene()
        let names = serve(scene)
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let first = try call("room1", scene, from: host)
        let isFirstConnected = scene.run(until: [first])
        try #require(isFirstConnected)
        first.close()
        scene.network.run(for: .seconds(12))
        let second = try call("room2", scene, from: host)
        let isSecondConnected = scene.run(until: [second])
        #expect(isSecondConnected)
        #expect(names() == ["room1", "room2"])
    }

    @Test("An address that a peer has left for another is free while their call goes on")
    func leftAddress() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let peer = try ScriptedPeer(scene.network, host, at: Self.victim)
        let client = try accomplice(of: peer, scene)
        #expect(client.selectedPair()?.remote.address == Self.victim)
        let moved = try ScriptedPeer(scene.network, host, at: "203.0.113.1:7001")
        nominate(client, moved)
        peer.socket.close()
        scene.network.run(for: .seconds(60))
        #expect(client.selectedPair()?.remote.address == "203.0.113.1:7001")
        let next = try scene.connect(host) { $0.portRange = 7000...7000 }
        #expect(next.answerer.selectedPair()?.remote.address == Self.victim)
        #expect(try scene.talks(next))
    }

    // MARK: Addresses that are taken

    /// The one whose address somebody else has laid claim to calls, is heard, and by nobody else.
    private func expectVictimsCall(_ scene: SharedScene, isLite: Bool, unheardBy accomplice: ICEClient) throws {
        let host = scene.network.makeHost("victim", addresses: [Self.victim.ip])
        let call = try scene.connect(
            host, caller: { $0.portRange = 7000...7000 }, answerer: { $0.isLite = isLite })
        let isConnected = scene.run(until: [call.caller, call.answerer])
        try #require(isConnected)
        #expect(try scene.talks(call))
        #expect(scene.texts(of: accomplice).isEmpty)
    }

    @Test("Checks with a forged source don't keep its owner out", arguments: [false, true], [false, true])
    func forgedSource(isLite: Bool, isVictimLite: Bool) throws {
        let scene = try SharedScene()
        let attacker = try ScriptedPeer(
            scene.network, scene.network.makeHost("attacker", addresses: ["203.0.113.9"]), at: "203.0.113.9:5000")
        let accomplice = try accomplice(of: attacker, scene, isLite: isLite)
        let forged = attacker.check(for: accomplice.localParameters) { $0.role = .controlling }
        scene.network.inject(forged.bytes, from: Self.victim, to: Self.port)
        scene.network.run(for: .milliseconds(100))
        try expectVictimsCall(scene, isLite: isVictimLite, unheardBy: accomplice)
    }

    @Test("A call that was silent for some seconds is not lost to a check with a forged source")
    func forgedSourceInSilence() throws {
        let scene = try SharedScene()
        let attacker = try ScriptedPeer(
            scene.network, scene.network.makeHost("attacker", addresses: ["203.0.113.9"]), at: "203.0.113.9:5000")
        let accomplice = try accomplice(of: attacker, scene)
        let host = scene.network.makeHost("victim", addresses: [Self.victim.ip])
        let call = try scene.connect(host) { $0.portRange = 7000...7000 }
        host.link.isCut = true
        scene.network.run(for: .seconds(12))
        #expect(call.answerer.state == .disconnected)
        let forged = attacker.check(for: accomplice.localParameters) { $0.role = .controlling }
        scene.network.inject(forged.bytes, from: Self.victim, to: Self.port)
        scene.network.run(for: .milliseconds(100))
        host.link.isCut = false
        scene.network.run(for: .seconds(10))
        #expect(try scene.talks(call))
        #expect(scene.texts(of: accomplice).isEmpty)
    }

    @Test("What a lite peer signals as its address takes nothing from who is there", arguments: [false, true])
    func signalledAddress(isVictimLite: Bool) throws {
        let scene = try SharedScene()
        let accomplice = try scene.answerer { $0.isLite = true }
        accomplice.gatherCandidates()
        accomplice.processCandidates()
        try accomplice.setRemoteParameters(
            ICEParameters(usernameFragment: "evil", password: Self.password, isLite: true))
        try accomplice.addRemoteCandidate("candidate:1 1 udp 2130706431 203.0.113.1 7000 typ host")
        scene.network.run(for: .milliseconds(100))
        try expectVictimsCall(scene, isLite: isVictimLite, unheardBy: accomplice)
    }

    @Test("A lite client with a peer at another client's address does not connect, and tells why")
    func liteAtTheSameEnds() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let peer = try ScriptedPeer(scene.network, host, at: Self.victim)
        let first = try accomplice(of: peer, scene, isLite: true)
        #expect(first.selectedPair() != nil)
        let second = try accomplice(of: peer, scene, isLite: true)
        #expect(second.selectedPair() == nil)
        #expect(![.connected, .completed].contains(second.state))
        #expect(scene.failures(of: second).contains { $0.code == .addressTaken })
    }

    @Test("What waited for room is counted as lost where the peer goes to another client's address")
    func gatheredAndTaken() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("caller", addresses: ["203.0.113.1"])
        let other = try ScriptedPeer(scene.network, host, at: Self.victim)
        let neighbour = try accomplice(of: other, scene, isLite: true)
        try #require(neighbour.selectedPair() != nil)
        let peer = try ScriptedPeer(scene.network, host, at: "203.0.113.1:7001")
        let client = try scene.answerer {
            $0.isLite = true
            $0.coalescesSends = true
        }
        client.gatherCandidates()
        client.processCandidates()
        try client.setRemoteParameters(peer.parameters)
        scene.network.run(for: .milliseconds(50))
        nominate(client, peer)
        scene.network.run(for: .milliseconds(100))
        try #require(client.selectedPair() != nil)
        let before = client.statistics().packetsDiscardedOnSend
        scene.server.interface.sendFault = .wouldBlock
        try client.send("waits")
        scene.network.run(for: .milliseconds(10))
        scene.network.inject(nominating(client, peer), from: Self.victim, to: Self.port)
        scene.network.run(for: .milliseconds(50))
        try #require(scene.failures(of: client).contains { $0.code == .addressTaken })
        #expect(client.statistics().packetsDiscardedOnSend == before + 1)
        scene.server.interface.sendFault = nil
        scene.network.run(for: .milliseconds(50))
        #expect(peer.data.isEmpty && other.data.isEmpty)
    }

    // MARK: Names

    @Test(
        "Checks under the credentials of before a restart find their client from a new address",
        arguments: [false, true])
    func retiredName(isShared: Bool) throws {
        let scene = try SharedScene()
        var told = 0
        scene.port.onUnknownUsername = { _ in told += 1 }
        let nat = scene.network.makeNAT("home", external: ["198.51.100.1"])
        let caller = scene.caller(on: scene.network.makeHost("caller", addresses: ["10.0.0.2"], behind: nat))
        let answerer =
            isShared
            ? try scene.answerer()
            : scene.listening(ICEClient(on: scene.server, configuration: ICEConfiguration(role: .controlled)))
        try scene.introduce(caller, answerer)
        let isConnected = scene.run(until: [caller, answerer])
        try #require(isConnected)
        scene.network.run(for: .seconds(2))
        // The peer has not heard of the restart yet.
        answerer.restart()
        nat.rebind()
        scene.network.run(for: .seconds(20))
        #expect([.connected, .completed].contains(caller.state))
        #expect(told == 0)
    }

    @Test("A check for a client that is there, on an address that it does not use, is not told of as unknown")
    func knownNameElsewhere() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("server 2", addresses: ["192.0.2.20", "192.0.2.21"])
        let port = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 4000))
        var told = 0
        port.onUnknownUsername = { _ in told += 1 }
        let client = try ICEClient(port: port, configuration: ICEConfiguration(role: .controlled))
        client.shouldUseInterface = { $0.ip == "192.0.2.20" }
        client.gatherCandidates()
        scene.network.run(for: .milliseconds(50))
        let stranger = try ScriptedPeer(
            scene.network, scene.network.makeHost("stranger", addresses: ["203.0.113.9"]), at: "203.0.113.9:5000")
        stranger.send(stranger.check(for: client.localParameters).bytes, to: "192.0.2.21:4000")
        scene.network.run(for: .milliseconds(100))
        #expect(told == 0)
        client.close()
    }

    // MARK: Strangers

    @Test("A flood of unknown usernames from one address leaves others theirs")
    func floodFromOneAddress() throws {
        let scene = try SharedScene { $0.unknownUsernamesPerSecond = 20 }
        var newcomers = 0
        scene.port.onUnknownUsername = { if $0.usernameFragment == "room" { newcomers += 1 } }
        let flooder = try ScriptedPeer(
            scene.network, scene.network.makeHost("flooder", addresses: ["203.0.113.9"]), at: "203.0.113.9:5000")
        let checks = try (0..<50).map {
            flooder.check(for: try ICEParameters(usernameFragment: "name\($0)", password: Self.password)).bytes
        }
        for index in 0..<5000 {
            scene.network.schedule(after: .milliseconds(index)) { flooder.send(checks[index % 50], to: Self.port) }
        }
        let newcomer = try ScriptedPeer(
            scene.network, scene.network.makeHost("newcomer", addresses: ["203.0.113.1"]), at: Self.victim)
        let check = newcomer.check(for: try ICEParameters(usernameFragment: "room", password: Self.password)).bytes
        // As a check is repeated.
        for pause in [1000, 1503, 2507, 4511] {
            scene.network.schedule(after: .milliseconds(pause)) { newcomer.send(check, to: Self.port) }
        }
        scene.network.run(for: .seconds(6))
        #expect(newcomers > 0)
    }

    @Test("What is no check takes nothing of the rate at which checks are told of")
    func malformedAndRate() throws {
        let scene = try SharedScene { $0.unknownUsernamesPerSecond = 10 }
        var told = 0
        scene.port.onUnknownUsername = { _ in told += 1 }
        let stranger = try ScriptedPeer(
            scene.network, scene.network.makeHost("stranger", addresses: ["203.0.113.9"]), at: "203.0.113.9:5000")
        let target = try ICEParameters(usernameFragment: "name", password: Self.password)
        for _ in 0..<20 {
            stranger.send(stranger.check(for: target) { $0.hasFingerprint = false }.bytes, to: Self.port)
        }
        stranger.send(stranger.check(for: target).bytes, to: Self.port)
        scene.network.run(for: .milliseconds(50))
        #expect(told == 1)
    }

    @Test(
        "What can be no username fragment is seen from its bytes, before the cost of hashing a Unicode string",
        arguments: [
            String(repeating: "\u{327}\u{301}", count: 100), String(repeating: "a", count: 257), "abc", "abc\u{e9}",
        ])
    func noFragment(_ name: String) throws {
        var message = STUNMessage(.request, .binding, transactionID: STUNTransactionID())
        message.append(STUNMessage.Username("\(name):peer"))
        #expect(STUNEnvelope.usernameFragment(in: message.bytes.span) == nil)
    }
}

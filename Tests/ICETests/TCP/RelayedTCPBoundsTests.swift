import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("What relayed TCP candidates do not let happen")
struct RelayedTCPBoundsTests {
    private typealias Scene = RelayedTCPScene

    /// A caller whose passive relayed candidate lets in the address of one host, from which no check comes.
    private static func awaiting(
        _ scene: Scene, _ stranger: IPAddress
    ) throws -> (client: ICEClient, relayed: TransportAddress, host: SimulatedHost) {
        let host = scene.hidden("a", 1)
        var configuration = ICEConfiguration(role: .controlling)
        configuration.transports = Scene.relays
        configuration.transportPolicy = .relay
        configuration.servers = [try scene.turn()]
        let client = ICEClient(on: host, configuration: configuration)
        client.gatherCandidates()
        client.processCandidates()
        try client.setRemoteParameters(
            ICEParameters(credentials: Credentials(usernameFragment: "ABCD", password: "0123456789012345678901")))
        client.addRemoteCandidate(
            try Candidate("candidate:1 1 tcp 1518174207 \(stranger) 9 typ host tcptype active"))
        #expect(
            scene.network.run(
                until: { scene.server.allocations.first?.permissions.contains(stranger) == true }, atMost: .seconds(5)))
        return (client, try #require(scene.server.allocations.first?.relayedAddresses.first), host)
    }

    @Test("Who has no permission is closed out by the server, and the client hears nothing of it")
    func withoutPermission() throws {
        let scene = try Scene(seed: 91)
        let (client, relayed, _) = try Self.awaiting(scene, "198.51.100.7")
        let other = Intruder(try scene.open("other", at: "198.51.100.8").connect(to: relayed))
        #expect(scene.network.run(until: { other.ending != nil }, atMost: .seconds(1)))
        #expect(scene.server.counters.connectionAttempts == 0)
        client.close()
    }

    @Test("Who may connect and shows no valid check is closed out after ten seconds, and never more than 16 are kept")
    func withoutCheck() throws {
        let scene = try Scene(seed: 92)
        let host = scene.open("stranger", at: "198.51.100.7")
        let (client, relayed, own) = try Self.awaiting(scene, "198.51.100.7")
        let atServer = scene.serverHost.connections.count
        let intruders = try (0..<40).map { _ in Intruder(try host.connect(to: relayed)) }
        for intruder in intruders { intruder.write(framed(check)) }
        // One that the allocation was asked for over, and those that are bound, or on their way to be.
        var most = 0
        for _ in 0..<900 {
            scene.network.run(for: .milliseconds(10))
            most = max(most, own.connections.count)
        }
        #expect(scene.server.counters.connectionAttempts == 40)
        #expect(most == 17 && own.connections.count == 17, "\(most)")
        scene.network.run(for: .seconds(2))
        #expect(own.connections.count == 1 && intruders.count { $0.ending != nil } == 16)
        // RFC 6062 has no word for what was not even bound: the server gives it up after 30 seconds.
        scene.network.run(for: .seconds(20))
        #expect(intruders.allSatisfy { $0.ending != nil })
        #expect(scene.serverHost.connections.count == atServer)
        client.close()
    }

    @Test("Somebody who lives there and does not speak STUN is closed out at once")
    func notSTUN() throws {
        let scene = try Scene(seed: 93)
        let host = scene.open("stranger", at: "198.51.100.7")
        let (client, relayed, _) = try Self.awaiting(scene, "198.51.100.7")
        let intruder = Intruder(try host.connect(to: relayed))
        scene.network.run(for: .seconds(1))
        #expect(intruder.ending == nil)
        intruder.write(framed([0x80, 1, 2, 3]))
        #expect(scene.network.run(until: { intruder.ending != nil }, atMost: .seconds(1)))
        client.close()
    }

    @Test("A permission that is refused keeps the peer out, whose pair fails")
    func permissionRefused() throws {
        let scene = try Scene(seed: 94)
        scene.server.fail(.createPermission, with: .forbidden, times: 100)
        let call = try scene.call(
            scene.hidden("a", 1), scene.open("b", at: "198.51.100.7"), callee: Scene.callsFromHost)
        call.caller.shouldAcceptRemoteCandidate = { $0.transport == .tcp(.active) }
        call.start()
        #expect(scene.network.run(until: { call.hasFailed }, atMost: .seconds(90)))
        #expect(!call.failures[1].isEmpty)
        #expect(scene.server.counters.connectionAttempts == 0)
    }

    @Test("A permission that is refused is not asked for again with every candidate that comes, but after a restart")
    func permissionRefusedOnce() throws {
        let scene = try Scene(seed: 100)
        let (client, _, _) = try Self.awaiting(scene, "198.51.100.7")
        scene.server.fail(.createPermission, with: .forbidden, times: 1000)
        func add(_ count: Int) throws {
            for number in 1...count {
                client.addRemoteCandidate(
                    try Candidate("candidate:1 1 tcp 1518174207 203.0.113.\(number) 9 typ host tcptype active"))
                scene.network.run(for: .milliseconds(500))
            }
        }
        try add(10)
        #expect(scene.server.counters.requests[.createPermission] == 1 + 10)
        client.restart()
        try client.setRemoteParameters(
            ICEParameters(credentials: Credentials(usernameFragment: "EFGH", password: "0123456789012345678901")))
        try add(3)
        #expect(scene.server.counters.requests[.createPermission] == 1 + 10 + 3)
        client.close()
    }

    @Test("A permission that is refused is no reason against having the server connect there")
    func permissionNotNeeded() throws {
        let scene = try Scene(seed: 95)
        scene.server.fail(.createPermission, with: .forbidden, times: 100)
        let call = try scene.call(
            scene.hidden("a", 1), scene.open("b", at: "198.51.100.7"), callee: Scene.callsFromHost)
        #expect(call.connect() && scene.hasSettled(call) && call.talk())
    }

    /// A caller that has the server connect to an address, and why that failed, and when.
    private static func failure(
        _ scene: Scene, callingTo address: TransportAddress
    ) throws -> (failure: PairFailure, after: Duration) {
        let (client, _, _) = try awaiting(scene, "198.51.100.7")
        var failure: (PairFailure, Instant)?
        client.onPairFailed = { _, reason in failure = failure ?? (reason, scene.network.now) }
        let began = scene.network.now
        client.addRemoteCandidate(
            try Candidate("candidate:2 1 tcp 1518174206 \(address.ip) \(address.port) typ host tcptype passive"))
        #expect(scene.network.run(until: { failure != nil }, atMost: .seconds(60)))
        let (reason, at) = try #require(failure)
        client.close()
        return (reason, at - began)
    }

    @Test("A peer that the server can't connect to fails its pair as soon as the server says so (447)")
    func unreachable() throws {
        let scene = try Scene(seed: 96)
        let host = scene.open("b", at: "198.51.100.7")
        let (failure, time) = try Self.failure(scene, callingTo: "198.51.100.7:7000")
        #expect(failure.message.contains("could not connect to 198.51.100.7:7000"), "\(failure)")
        #expect(time < .seconds(1))
        withExtendedLifetime(host) {}
    }

    @Test("A peer that does not answer fails its pair, whatever the server waits for")
    func silentPeer() throws {
        let scene = try Scene(seed: 97)
        let host = scene.open("b", at: "198.51.100.7")
        host.answersClosedPorts = false
        let (_, time) = try Self.failure(scene, callingTo: "198.51.100.7:7000")
        #expect(time > .seconds(3) && time < .seconds(45), "\(time)")
    }

    @Test("A connection that the server does not bind fails its pair")
    func bindRefused() throws {
        let scene = try Scene(seed: 98)
        let host = scene.open("b", at: "198.51.100.7")
        let listener = try host.listen(on: "198.51.100.7:7000") { _ in }
        scene.server.fail(.connectionBind, with: .badRequest, times: 100)
        let (failure, time) = try Self.failure(scene, callingTo: "198.51.100.7:7000")
        #expect(failure.message.contains("198.51.100.7:7000") && time < .seconds(1), "\(failure)")
        withExtendedLifetime(listener) {}
    }

    @Test("The server does not connect to whom it may not, and says so")
    func forbidden() throws {
        let scene = try Scene(seed: 99)
        scene.server.settings.deniedPeers.insert(.privateUse)
        let (failure, time) = try Self.failure(scene, callingTo: "10.9.9.9:7000")
        #expect(failure.message.contains("does not connect to 10.9.9.9:7000") && time < .seconds(1), "\(failure)")
    }
}

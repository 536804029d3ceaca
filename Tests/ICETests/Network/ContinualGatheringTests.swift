import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Continual gathering follows the machine's addresses")
struct ContinualGatheringTests {
    let network = SimulatedNetwork(seed: 5)
    let roamer: SimulatedHost
    let peer: SimulatedHost

    init() {
        roamer = network.makeHost("roamer", addresses: ["192.0.2.1"])
        peer = network.makeHost("peer", addresses: ["192.0.2.2"])
    }

    private func makeCall(roamerIs role: Role = .controlling, _ configure: (inout ICEConfiguration) -> Void = { _ in })
        -> SimulatedCall
    {
        SimulatedCall(network, roamer, peer, signallingDelay: .milliseconds(50), roles: [role, role.opposite]) {
            $0.gatheringPolicy = .continually
            configure(&$0)
        }
    }

    /// Sends every 20 ms from one side, and says how long it takes until the other has something new.
    private func timeUntilHeard(_ call: SimulatedCall, from index: Int, atMost limit: Duration) -> Duration? {
        let begin = network.now
        let before = call.received[1 - index].count
        while network.now - begin < limit {
            try? call.clients[index].send("still here")
            network.run(for: .milliseconds(20))
            if call.received[1 - index].count > before { return network.now - begin }
        }
        return nil
    }

    @Test(
        "E8.1: When the address in use goes, data goes on over the pair that stands by",
        arguments: [Role.controlling, .controlled])
    func backup(role: Role) throws {
        let wlan = roamer.addInterface("wlan0", addresses: ["192.0.2.3"])
        let call = makeCall(roamerIs: role)
        var removed: [Candidate] = []
        var restarts: [RestartReason] = []
        call.caller.onCandidateRemoved = { removed.append($0) }
        call.caller.onRestartNeeded = { restarts.append($0) }
        #expect(call.connect())
        network.run(for: .seconds(5))
        let used = try #require(call.caller.selectedPair()).local.address.ip
        let (interface, other): (SimulatedInterface, IPAddress) =
            used == "192.0.2.1" ? (roamer.interface, "192.0.2.3") : (wlan, "192.0.2.1")
        interface.removeAddress(used)
        let outwards = try #require(timeUntilHeard(call, from: 0, atMost: .seconds(5)))
        #expect(outwards <= .milliseconds(300))
        let inwards = try #require(timeUntilHeard(call, from: 1, atMost: .seconds(5)))
        #expect(inwards <= (role == .controlling ? .milliseconds(300) : .milliseconds(1_500)))
        network.run(for: .seconds(2))
        #expect(call.caller.selectedPair()?.local.address.ip == other)
        #expect(call.caller.selectedPair()?.isNominated == true)
        #expect(removed.map(\.address.ip) == [used])
        #expect(!call.caller.localCandidates.contains { $0.address.ip == used })
        #expect(call.failures[0].contains { $0.code == .addressLost })
        #expect(restarts.isEmpty)
        call.close()
    }

    @Test(
        "A new address is gathered, told of and used, when the only one went",
        arguments: [Role.controlling, .controlled])
    func newAddress(role: Role) throws {
        let call = makeCall(roamerIs: role)
        var restarts: [RestartReason] = []
        call.caller.onRestartNeeded = { restarts.append($0) }
        #expect(call.connect())
        network.run(for: .seconds(5))
        roamer.interface.removeAddress("192.0.2.1")
        network.run(for: .milliseconds(100))
        #expect(call.caller.state == .disconnected)
        #expect(restarts.map(\.code) == [.addressLost])
        #expect(call.caller.localCandidates.isEmpty)
        roamer.interface.addAddress("192.0.2.77")
        #expect(try #require(timeUntilHeard(call, from: 0, atMost: .seconds(5))) <= .seconds(3))
        #expect(try #require(timeUntilHeard(call, from: 1, atMost: .seconds(5))) <= .seconds(3))
        #expect(call.caller.localCandidates.map(\.address.ip) == ["192.0.2.77"])
        #expect(call.callee.remoteCandidates.contains { $0.address.ip == "192.0.2.77" && $0.kind == .host })
        network.run(for: .seconds(5))
        #expect(call.isConnected)
        call.close()
    }

    @Test("D1.6: No end of candidates is told, and gathering goes on")
    func noEnd() {
        let call = makeCall()
        var ends = 0
        let told = call.caller.onCandidate
        call.caller.onCandidate = { candidate in
            if candidate == nil { ends += 1 }
            told?(candidate)
        }
        #expect(call.connect())
        network.run(for: .seconds(60))
        #expect(ends == 0)
        #expect(call.caller.gatheringState == .gathering)
        #expect(call.caller.state == .connected)
        call.close()
    }

    @Test("Gathered once, addresses that come later are left alone, and gathering ends")
    func once() {
        let call = makeCall { $0.gatheringPolicy = .once }
        #expect(call.connect())
        roamer.interface.addAddress("192.0.2.77")
        network.run(for: .seconds(5))
        #expect(call.caller.gatheringState == .complete)
        #expect(call.caller.localCandidates.map(\.address.ip) == ["192.0.2.1"])
        call.close()
    }

    @Test("What was gathered is not gathered again when another address comes")
    func nothingTwice() {
        let call = makeCall()
        var told: [Candidate] = []
        let tell = call.caller.onCandidate
        call.caller.onCandidate = { candidate in
            if let candidate { told.append(candidate) }
            tell?(candidate)
        }
        #expect(call.connect())
        roamer.addInterface("wlan0", addresses: ["192.0.2.3"])
        network.run(for: .seconds(5))
        #expect(told.map(\.address.ip) == ["192.0.2.1", "192.0.2.3"])
        call.close()
    }

    @Test("An address that is deprecated goes on carrying what it carries")
    func deprecated() {
        let call = makeCall()
        #expect(call.connect())
        roamer.interface.setDeprecated(true, "192.0.2.1")
        network.run(for: .seconds(5))
        #expect(call.isConnected)
        #expect(call.caller.localCandidates.count == 1)
        call.close()
    }

    @Test("A client may restart by itself when its last path goes, and tells so")
    func restartsByItself() {
        let call = makeCall { $0.restartsByItself = true }
        let before = call.caller.localParameters.usernameFragment
        var fragments: [String] = []
        call.caller.onRestartNeeded = { [weak call] _ in
            fragments.append(call?.caller.localParameters.usernameFragment ?? "")
        }
        #expect(call.connect())
        roamer.interface.removeAddress("192.0.2.1")
        network.run(for: .milliseconds(100))
        #expect(fragments.count == 1)
        #expect(fragments.first != before)
        #expect(fragments.first == call.caller.localParameters.usernameFragment)
        call.close()
    }

    @Test("A server that failed is asked again, ever more seldom, until it answers")
    func retries() throws {
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:198.51.100.9"])]
        configuration.gatheringPolicy = .continually
        let home = network.makeNAT("home", external: ["203.0.113.5"])
        let inside = network.makeHost("inside", addresses: ["192.168.1.2"], behind: home)
        let client = ICEClient(on: inside, configuration: configuration)
        var asked: [Instant] = []
        var errors = 0
        network.interceptor = { [weak network] packet in
            if packet.destination.ip == "198.51.100.9", let network { asked.append(network.now) }
            return .pass
        }
        client.onCandidateError = { _ in errors += 1 }
        client.gatherCandidates()
        network.run(for: .seconds(3_600))
        // A new attempt follows on 9 s of silence or more.
        let attempts = zip(asked, asked.dropFirst()).filter { $1 - $0 >= .seconds(9) }.map { $1 - $0 }
        #expect((12...22).contains(attempts.count))
        #expect(attempts.dropFirst(8).allSatisfy { $0 >= .seconds(295) && $0 <= .seconds(311) })
        #expect(errors == 1)
        let host = network.makeHost("stun", addresses: ["198.51.100.9"])
        _ = try SimulatedSTUNServer(on: host)
        #expect(client.localCandidates.map(\.kind) == [.host])
        network.run(for: .seconds(320))
        #expect(client.localCandidates.map(\.kind) == [.host, .serverReflexive])
        client.close()
        network.interceptor = nil
    }
}

@Suite("An address that flaps does not flood")
struct AddressFlapTests {
    let network = SimulatedNetwork(seed: 6)

    private func makeCall(_ roamer: SimulatedHost) -> SimulatedCall {
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        let call = SimulatedCall(network, roamer, peer) { $0.gatheringPolicy = .continually }
        return call
    }

    @Test("10,000 flaps of an address leave sockets, candidates and pairs where they were")
    func sameAddress() {
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.1"])
        let wlan = roamer.addInterface("wlan0", addresses: ["192.0.2.3"])
        let call = makeCall(roamer)
        var told = 0
        let tell = call.caller.onCandidate
        call.caller.onCandidate = { candidate in
            told += 1
            tell?(candidate)
        }
        #expect(call.connect())
        network.run(for: .seconds(5))
        for _ in 0..<10_000 {
            wlan.isUp.toggle()
            network.run(for: .milliseconds(10))
        }
        wlan.isUp = true
        network.run(for: .seconds(130))
        #expect(told <= 12)
        #expect(call.caller.sockets.count == 2)
        #expect(call.caller.localCandidates.count == 2)
        #expect(call.caller.candidatePairs.count <= 4)
        #expect(call.isConnected)
        call.close()
    }

    @Test("An address that changes a thousand times leaves nothing behind, and the peer follows to the last one")
    func otherAddresses() {
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.1"])
        let call = makeCall(roamer)
        #expect(call.connect())
        var last: IPAddress = "192.0.2.1"
        for number in 0..<1_000 {
            roamer.interface.removeAddress(last)
            last = IPAddress(v4: 0x0a00_0001 + UInt32(number))
            roamer.interface.addAddress(last)
            network.run(for: .milliseconds(300))
        }
        network.run(for: .seconds(10))
        #expect(call.caller.sockets.count == 1)
        #expect(call.caller.localCandidates.map(\.address.ip) == [last])
        #expect(call.caller.candidatePairs.count <= 4)
        #expect(call.callee.remoteCandidates.count <= 200)
        #expect(call.callee.candidatePairs.count <= 100)
        #expect(call.isConnected)
        #expect(call.caller.selectedPair()?.local.address.ip == last)
        call.close()
    }
}

import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("C2: several streams, components and address families")
struct MultiStreamTests {
    @Test(
        "C2.1: a call with two streams of two components connects each, and data keeps to its own",
        arguments: [PacingProfile.standard, .fast])
    func twoByTwo(_ pacing: PacingProfile) throws {
        let (network, a, b) = SimulatedCallTests.hosts(6)
        let call = SimulatedCall(network, a, b) { $0.pacing = pacing }
        for client in call.clients {
            for _ in 0..<2 { try client.addStream(components: 2) }
        }
        var heard: [StreamComponent: String] = [:]
        call.callee.onData = { bytes, path in heard[path] = String(decoding: [UInt8](copying: bytes), as: UTF8.self) }
        #expect(call.connect(atMost: .seconds(1)))
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(2)))
        network.run(for: .milliseconds(1))
        let paths = call.caller.candidatePairs.map(\.path)
        #expect(Set(paths).count == 4)
        #expect(call.nominated.map(\.count) == [4, 4])
        for path in paths {
            let selected = try #require(call.caller.selectedPair(of: path))
            #expect(selected.local.path == path && selected.remote.path == path)
            try call.caller.send("\(path)", on: path)
        }
        network.run(for: .milliseconds(200))
        for path in paths { #expect(heard[path] == "\(path)") }
    }

    @Test("C2.5, C2.7: of a foundation one pair is checked first; its success lets the others go, in all streams")
    func thawing() throws {
        let network = SimulatedNetwork(seed: 6)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        let remote = network.makeHost("b", addresses: ["198.51.100.1"])
        for host in [host, remote] { host.link.setConditions(LinkConditions(delay: .milliseconds(50))) }
        let client = ICEClient(on: host)
        for _ in 0..<2 { try client.addStream(components: 2) }
        let peer = try ScriptedPeer(network, remote, at: "198.51.100.1:7000")
        try client.setRemoteParameters(peer.parameters)
        client.gatherCandidates()
        client.processCandidates()
        network.run(for: .milliseconds(1))
        for stream in 0..<2 {
            for component in 1...2 {
                var candidate = peer.candidate()
                candidate.stream = StreamID(stream)
                candidate.component = try #require(ComponentID(component))
                candidate.address = peer.address
                client.addRemoteCandidate(candidate)
            }
        }
        network.run(for: .milliseconds(190))
        #expect(peer.requests.count == 1)
        #expect(client.candidatePairs.count == 4)
        #expect(network.run(until: { client.state == .connected }, atMost: .seconds(1)))
    }

    @Test("C2.6: where the one pair of a foundation is silent, a list with nothing else to do goes on with the next")
    func otherComponent() throws {
        let (network, a, b) = SimulatedCallTests.hosts(6)
        let call = SimulatedCall(network, a, b)
        for client in call.clients { try client.addStream(components: 2) }
        var dead: Set<UInt16> = []
        for client in call.clients {
            let signal = client.onCandidate
            client.onCandidate = { candidate in
                if let candidate, candidate.component == .rtp { dead.insert(candidate.address.port) }
                signal?(candidate)
            }
        }
        network.interceptor = { dead.contains($0.source.port) ? .drop : .pass }
        call.start()
        // Component 1 never works; its check ends after 39.5 s, and only then is component 2 of the same foundation free to go.
        let second = StreamComponent(stream: StreamID(0), component: .rtcp)
        #expect(network.run(until: { call.caller.selectedPair(of: second) != nil }, atMost: .seconds(45)))
    }

    @Test("H39: a stream that can't work fails the session, and says so, once patience ends")
    func oneDeadStream() throws {
        let (network, a, b) = SimulatedCallTests.hosts(6)
        let call = SimulatedCall(network, a, b)
        for client in call.clients { for _ in 0..<2 { try client.addStream() } }
        let signal = call.caller.onCandidate
        call.caller.onCandidate = { if $0?.stream != StreamID(1) { signal?($0) } }
        network.interceptor = { _ in .pass }
        var blocked: UInt16?
        let other = call.callee.onCandidate
        call.callee.onCandidate = {
            if let candidate = $0, candidate.stream == StreamID(1) {
                blocked = candidate.address.port
            } else {
                other?($0)
            }
        }
        call.start()
        network.run(for: .seconds(2))
        #expect(call.caller.selectedPair(of: StreamComponent(stream: StreamID(0), component: .rtp)) != nil)
        #expect(blocked != nil)
        network.run(for: .seconds(39))
        #expect(call.caller.state == .failed)
        #expect(call.caller.failure?.code == .noCandidatePairs)
    }

    @Test(
        "E3.1: IPv6 and dual stack connect, IPv6 first",
        arguments: [
            ["2001:db8::1"], ["192.0.2.1", "2001:db8::1"],
        ] as [[IPAddress]])
    func families(_ addresses: [IPAddress]) throws {
        let network = SimulatedNetwork(seed: 6)
        let a = network.makeHost("a", addresses: addresses)
        let b = network.makeHost("b", addresses: addresses.map { $0.family == .v4 ? "198.51.100.1" : "2001:db8:1::1" })
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let call = SimulatedCall(network, a, b)
        #expect(call.connect(atMost: .milliseconds(100)))
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(1)))
        #expect(call.caller.selectedPair()?.local.address.family == .v6)
        #expect(call.talk())
    }

    @Test("C2.1: families do not mix; a pair of hosts without a common one fails when patience ends")
    func noCommonFamily() {
        let network = SimulatedNetwork(seed: 6)
        let a = network.makeHost("a", addresses: ["192.0.2.1"])
        let b = network.makeHost("b", addresses: ["2001:db8::1"])
        let call = SimulatedCall(network, a, b)
        call.start()
        #expect(network.run(until: { call.hasFailed }, atMost: .seconds(41)))
        #expect(call.caller.candidatePairs.isEmpty)
        #expect(call.caller.failure?.code == .noCandidatePairs)
    }

    @Test("C2.1, H29: link-local addresses meet only each other, in the scope of their interface, unscoped on the wire")
    func linkLocal() throws {
        let network = SimulatedNetwork(seed: 6)
        let a = network.makeHost("a", addresses: ["fe80::1", "2001:db8::1"])
        let b = network.makeHost("b", addresses: ["fe80::2"])
        var lines: [String] = []
        let call = SimulatedCall(network, a, b)
        let signal = call.callee.onCandidate
        call.callee.onCandidate = {
            lines.append($0?.description ?? "")
            signal?($0)
        }
        #expect(call.connect(atMost: .seconds(1)))
        #expect(call.caller.candidatePairs.allSatisfy { $0.local.address.ip.isLinkLocal })
        #expect(lines.allSatisfy { !$0.contains("%") })
        #expect(call.talk())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(2)))
        network.run(for: .seconds(60))
        #expect(call.isCompleted)
    }
}

@Suite("H40: random topologies")
struct RandomTopologyTests {
    @Test(
        "Whatever lies between, a call ends connected or failed, with one role each, and can be closed",
        arguments: 0..<8)
    func topology(_ block: Int) throws {
        let fresh = UInt64.random(in: 1...UInt64.max / 2)
        for number in 0..<50 {
            let seed = block < 4 ? UInt64(block * 50 + number) : fresh + UInt64(number)
            try run(seed)
        }
    }

    func run(_ seed: UInt64) throws {
        let network = SimulatedNetwork(seed: seed)
        var random = network.makeRandomNumberGenerator("topology")
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let stun = network.makeHost("stun", addresses: ["192.0.2.10", "2001:db8:ffff::10"])
        let server = try SimulatedSTUNServer(on: stun)
        server.isSilent = chance(20)
        server.delay = .milliseconds(Int.random(in: 0...3000, using: &random))
        if chance(10) { server.error = .serverError }
        network.names["stun.example"] = ["2001:db8:ffff::10", "192.0.2.10"]
        let behaviors: [NATBehavior] = [
            .fullCone, .addressRestricted, .portRestricted, .symmetric, .firewall, .udpBlocked,
        ]
        var hosts: [SimulatedHost] = []
        var mustMeet = true
        for side in 0..<2 {
            var nat: SimulatedNAT?
            if chance(60) {
                let behavior = behaviors.randomElement(using: &random)!
                mustMeet = false
                let outside: [IPAddress] = behavior.translates ? [IPAddress(v4: 0xcb00_7100 | UInt32(side + 1))] : []
                nat = network.makeNAT("nat\(side)", external: outside, behavior: behavior)
            }
            var addresses: [IPAddress] = []
            for number in 0..<Int.random(in: 1...3, using: &random) {
                addresses.append(IPAddress(v4: (0x0a00_0000 | UInt32(side + 1) << 16 | UInt32(number + 2))))
            }
            if nat == nil, chance(50) {
                addresses.append(IPAddress(v6High: 0x2001_0db8_0000_0000 | UInt64(side), low: 1))
            }
            let host = network.makeHost("host\(side)", addresses: addresses, behind: nat)
            host.link.setConditions(
                LinkConditions(
                    delay: .milliseconds(Int.random(in: 0...150, using: &random)),
                    jitter: .milliseconds(Int.random(in: 0...30, using: &random)),
                    loss: chance(40) ? Double.random(in: 0...0.3, using: &random) : 0,
                    duplication: chance(30) ? 0.2 : 0,
                    reordering: chance(30) ? 0.2 : 0))
            if chance(5) {
                host.interface.sendFault = .notPermitted
                mustMeet = false
            }
            hosts.append(host)
        }
        let servers = chance(80) ? [try ICEServer(urls: [chance(50) ? "stun:stun.example" : "stun:192.0.2.10"])] : []
        let roles: [Role] = [chance(50) ? .controlling : .controlled, chance(50) ? .controlling : .controlled]
        let pacing = [PacingProfile.standard, .fast, .server].randomElement(using: &random)!
        let isEager = chance(40)
        let streams = Int.random(in: 1...2, using: &random)
        let components = Int.random(in: 1...2, using: &random)
        let call = SimulatedCall(
            network, hosts[0], hosts[1], signallingDelay: .milliseconds(Int.random(in: 0...400, using: &random)),
            roles: roles
        ) {
            $0.servers = servers
            $0.pacing = pacing
            $0.nomination = isEager ? .eager : .regular
            $0.backupPairs = streams
        }
        for client in call.clients { for _ in 0..<streams { try client.addStream(components: components) } }
        call.start()
        let ended = network.run(until: { call.isCompleted || call.hasFailed }, atMost: .seconds(600))
        #expect(ended, "seed \(seed): \(call.clients.map(\.state))")
        if mustMeet { #expect(call.isCompleted, "seed \(seed)") }
        if call.isCompleted {
            network.run(for: .milliseconds(1))
            #expect(call.caller.role != call.callee.role, "seed \(seed)")
            for index in 0..<streams * components {
                let path = StreamComponent(
                    stream: StreamID(index / components), component: ComponentID(index % components + 1)!)
                for side in 0..<2 {
                    #expect(call.nominated[side].contains { $0.path == path }, "seed \(seed) \(path)")
                    #expect(call.clients[side].selectedPair(of: path) != nil, "seed \(seed) \(path)")
                }
            }
            #expect(call.talk(atMost: .seconds(30)), "seed \(seed)")
        }
        for states in call.states { #expect(zip(states, states.dropFirst()).allSatisfy { $0 != $1 }, "seed \(seed)") }
        call.close()
        // What is on its way still arrives; then nothing is left that could fire.
        network.run(for: .seconds(30))
        #expect(network.isIdle, "seed \(seed)")
    }
}

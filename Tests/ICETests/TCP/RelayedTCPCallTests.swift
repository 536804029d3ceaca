import ICE
import ICETesting
import NetBase
import Testing

@Suite("Calls over relayed TCP candidates (RFC 6544 §5.5)")
struct RelayedTCPCallTests {
    private typealias Scene = RelayedTCPScene

    @Test(
        "E4.1: where nobody can be connected to and only TCP gets out, two relays connect to each other",
        arguments: SimulatedCallTests.roles)
    func betweenRelays(_ roles: [Role]) throws {
        let scene = try Scene(seed: 61)
        scene.network.isTracing = true
        let call = try scene.call(scene.hidden("a", 1), scene.hidden("b", 2), roles: roles)
        #expect(call.connect() && scene.hasSettled(call) && call.talk())
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            #expect(pair.local.kind == .relayed && pair.local.transport != .udp, "\(pair)")
            #expect(
                client.localCandidates.map { [$0.kind == .relayed, $0.transport == .tcp(.active)] }
                    == [[true, false], [true, true]])
        }
        #expect(scene.network.trace.allSatisfy { $0.transport == .tcp })
        #expect(scene.server.allocations.map(\.transport) == [.tcp, .tcp])
        call.close()
        scene.network.run(for: .seconds(2))
        #expect(scene.server.allocations.isEmpty && scene.serverHost.connections.isEmpty)
    }

    @Test("E4.1: an active relayed candidate is told with the relay's address and port 9, and no other address is")
    func candidates() throws {
        let scene = try Scene(seed: 62)
        let call = try scene.call(scene.hidden("a", 1), scene.hidden("b", 2))
        #expect(call.connect())
        let lines = call.caller.localCandidates.map(\.description)
        let relayed = try #require(scene.server.allocations.first?.relayedAddresses.first)
        #expect(lines.count == 2)
        #expect(lines[0].contains(" TCP ") || lines[0].contains(" tcp "))
        #expect(
            lines[0].contains(" 192.0.2.10 ") && lines[0].contains(" typ relay raddr 0.0.0.0 rport 9 tcptype passive"))
        #expect(lines[1].contains(" 192.0.2.10 9 typ relay raddr 0.0.0.0 rport 9 tcptype active"), "\(lines)")
        let foundations = Set(call.caller.localCandidates.map(\.foundation))
        #expect(foundations.count == 1 && relayed.ip == "192.0.2.10")
        #expect(call.caller.localCandidates[1].priority > call.caller.localCandidates[0].priority)
    }

    @Test("E4.1: a peer's active host candidate connects to the passive relayed one", arguments: [true, false])
    func calledByHost(_ isBehindNAT: Bool) throws {
        let scene = try Scene(seed: 63)
        let b = isBehindNAT ? scene.hidden("b", 2) : scene.open("b", at: "198.51.100.7")
        // Behind a NAT, what a server sees of its passive port shows the relay who is to come.
        let stun = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let call = try scene.call(
            scene.hidden("a", 1), b,
            callee: {
                Scene.callsFromHost(&$0)
                if isBehindNAT { $0.servers = stun }
            })
        call.caller.shouldAcceptRemoteCandidate = { isBehindNAT || $0.transport == .tcp(.active) }
        #expect(call.connect() && scene.hasSettled(call) && call.talk())
        let pair = try #require(call.caller.selectedPair())
        #expect(pair.local.kind == .relayed && pair.local.transport == .tcp(.passive))
        #expect(pair.remote.kind == .peerReflexive)
        let theirs = try #require(call.callee.selectedPair())
        #expect(theirs.local.transport == .tcp(.active) && theirs.remote.kind == .relayed)
    }

    @Test("E4.1: the active relayed candidate has the server connect to a peer's passive host candidate")
    func callingAHost() throws {
        let scene = try Scene(seed: 64)
        let b = scene.open("b", at: "198.51.100.7")
        let call = try scene.call(scene.hidden("a", 1), b, callee: Scene.callsFromHost)
        call.callee.shouldAcceptRemoteCandidate = { $0.transport == .tcp(.active) }
        #expect(call.connect() && scene.hasSettled(call) && call.talk())
        let pair = try #require(call.caller.selectedPair())
        #expect(pair.isRelayed && pair.local.transport == .tcp(.active) && pair.remote.kind == .host)
        #expect(scene.server.counters.requests[.createPermission] == 1)
        let theirs = try #require(call.callee.selectedPair())
        #expect(theirs.local.transport == .tcp(.passive) && theirs.remote.kind == .peerReflexive, "\(theirs)")
        #expect(b.connections.allSatisfy { $0.remoteAddress.ip == "192.0.2.10" })
    }

    @Test("Who connects before the relay knows that it may is let in a moment later, and not given up")
    func tooEarly() throws {
        let scene = try Scene(seed: 71)
        let (a, b) = (scene.hidden("a", 1), scene.open("b", at: "198.51.100.7"))
        // Its permission takes longer than the peer's connection.
        a.link.setConditions(LinkConditions(delay: .milliseconds(300)))
        let call = try scene.call(a, b, callee: Scene.callsFromHost)
        call.caller.shouldAcceptRemoteCandidate = { $0.transport == .tcp(.active) }
        #expect(call.connect() && scene.hasSettled(call) && call.talk())
        #expect(scene.server.counters.drops[.noPermission, default: 0] > 0)
        #expect(call.failures[1].isEmpty)
    }

    @Test("E2.3: over relayed connections consent is asked for, longer than permissions and allocations live")
    func consent() throws {
        let scene = try Scene(seed: 65)
        let (a, b) = (scene.hidden("a", 1), scene.hidden("b", 2))
        let call = try scene.call(a, b)
        #expect(call.connect() && scene.hasSettled(call))
        scene.network.run(for: .seconds(1500))
        #expect(call.isCompleted)
        let before = call.received.map(\.count)
        try call.caller.send("still")
        try call.callee.send("here")
        scene.network.run(for: .seconds(1))
        #expect(zip(call.received, before).allSatisfy { $0.count == $1 + 1 })
        b.link.isCut = true
        #expect(scene.network.run(until: { call.hasFailed }, atMost: .seconds(60)))
    }

    @Test("Once a pair is selected, one connection by way of the server is left, of each client and of each peer")
    func unusedConnections() throws {
        let scene = try Scene(seed: 66)
        let (a, b) = (scene.hidden("a", 1), scene.hidden("b", 2))
        let call = try scene.call(a, b)
        #expect(call.connect() && scene.hasSettled(call))
        scene.network.run(for: .seconds(5))
        // One that the allocation was asked for over, one that carries data.
        #expect(a.connections.count == 2 && b.connections.count == 2)
        #expect(call.isCompleted && call.talk())
        #expect(scene.server.allocations.map(\.connections.count) == [1, 1])
    }

    @Test("A restart keeps the allocations, and goes on over their connections until it has chosen its pair")
    func restart() throws {
        let scene = try Scene(seed: 67)
        let call = try scene.call(scene.hidden("a", 1), scene.hidden("b", 2))
        #expect(call.connect() && scene.hasSettled(call) && call.talk())
        scene.network.run(for: .seconds(5))
        for client in call.clients { client.restart() }
        for (client, peer) in [(call.caller, call.callee), (call.callee, call.caller)] {
            try peer.setRemoteParameters(client.localParameters)
        }
        try call.caller.send("meanwhile")
        #expect(scene.network.run(until: { call.received[1].contains("meanwhile") }, atMost: .seconds(1)))
        #expect(
            scene.network.run(
                until: { call.nominated.allSatisfy { $0.count == 2 } && call.isCompleted }, atMost: .seconds(10)))
        scene.network.run(for: .seconds(5))
        try call.callee.send("afterwards")
        #expect(scene.network.run(until: { call.received[0].contains("afterwards") }, atMost: .seconds(1)))
        #expect(scene.server.counters.allocations == 2)
        #expect(scene.server.allocations.map(\.connections.count) == [1, 1])
    }

    @Test("A selected connection that breaks is opened again by way of the relay, or awaited there")
    func reopened() throws {
        let scene = try Scene(seed: 68)
        let (a, b) = (scene.hidden("a", 1), scene.open("b", at: "198.51.100.7"))
        let call = try scene.call(a, b, callee: Scene.callsFromHost)
        call.callee.shouldAcceptRemoteCandidate = { $0.transport == .tcp(.active) }
        #expect(call.connect() && scene.hasSettled(call) && call.talk())
        scene.network.run(for: .seconds(5))
        for stream in b.connections { stream.breakOff() }
        scene.network.run(for: .seconds(3))
        #expect(call.isConnected, "\(call.states)")
        let before = call.received.map(\.count)
        try call.caller.send("again from the caller")
        try call.callee.send("again from the callee")
        scene.network.run(for: .seconds(1))
        #expect(zip(call.received, before).allSatisfy { $0.count > $1 }, "\(call.received)")
    }

    @Test("An allocation that is lost takes its pair with it, and a restart finds another")
    func lostAllocation() throws {
        let scene = try Scene(seed: 69)
        let call = try scene.call(scene.hidden("a", 1), scene.hidden("b", 2))
        #expect(call.connect() && scene.hasSettled(call))
        var reasons: [RestartReason.Code] = []
        for client in call.clients { client.onRestartNeeded = { reasons.append($0.code) } }
        scene.server.restart()
        #expect(scene.network.run(until: { reasons.count == 2 }, atMost: .seconds(60)), "\(reasons)")
        for client in call.clients { client.restart() }
        for (client, peer) in [(call.caller, call.callee), (call.callee, call.caller)] {
            try peer.setRemoteParameters(client.localParameters)
        }
        #expect(scene.hasSettled(call))
        try call.caller.send("again")
        #expect(scene.network.run(until: { call.received[1].contains("again") }, atMost: .seconds(2)))
    }

    @Test("A peer that does not read is told of by wouldBlock, and by onWritable when it does again; nothing is lost")
    func backPressure() throws {
        let scene = try Scene(seed: 70)
        let (a, b) = (scene.hidden("a", 1), scene.hidden("b", 2))
        let call = try scene.call(a, b)
        #expect(call.connect() && scene.hasSettled(call))
        scene.network.run(for: .seconds(5))
        a.link.setConditions(LinkConditions(delay: .milliseconds(10), bandwidth: 4_000_000))
        var roomCame = 0
        call.caller.onWritable = { _ in roomCame += 1 }
        let (sent, refusal) = call.fill()
        #expect(refusal?.code == .wouldBlock && sent >= (256 << 10) / 10_002)
        try call.callee.send("the other way")
        #expect(scene.network.run(until: { roomCame > 0 }, atMost: .seconds(20)))
        scene.network.run(for: .seconds(60))
        #expect(call.isConnected && call.received[1].count == sent && call.received[0] == ["the other way"])
    }
}

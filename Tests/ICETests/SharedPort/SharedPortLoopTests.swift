import STUN
import Testing

@testable import ICE
@testable import UV

@Suite("A shared port on a real loop")
struct SharedPortLoopTests {
    /// How long what is certain to come is waited for.
    private static let patience = Duration.seconds(20)

    private func addresses(_ configuration: SharedPortConfiguration) throws -> [IPAddress] {
        let loop = try EventLoop()
        defer { loop.close() }
        let port = try SharedPort(loop: loop, configuration: configuration)
        let client = try ICEClient(port: port)
        client.gatherCandidates()
        #expect(loop.run(until: { client.gatheringState == .complete }, atMost: .seconds(5)))
        #expect(Set(client.localCandidates.map(\.address)).isSubset(of: port.localAddresses))
        return client.localCandidates.map(\.address.ip)
    }

    @Test("A port that is bound to a loopback address has candidates there, without a further word")
    func namedLoopback() throws {
        #expect(try addresses(SharedPortConfiguration(port: 0, addresses: [.loopback(.v4)])) == [.loopback(.v4)])
    }

    @Test("A port on all addresses has loopback ones where they are asked for, and not otherwise")
    func allAddresses() throws {
        var configuration = SharedPortConfiguration()
        #expect(try !addresses(configuration).contains(where: \.isLoopback))
        configuration.includesLoopback = true
        #expect(try addresses(configuration).contains(.loopback(.v4)))
    }

    @Test(
        "Fifty calls between their own ends and one port carry their own data both ways, full and lite",
        arguments: [false, true])
    func many(isLite: Bool) throws {
        let scene = try LoopScene()
        defer { scene.loop.close() }
        var calls: [LoopScene.Call] = []
        for _ in 0..<50 { calls.append(try scene.call { $0.isLite = isLite }) }
        let areConnected = scene.run { calls.allSatisfy(\.isConnected) }
        #expect(areConnected)
        #expect(scene.port.statistics.clients == 50)
        #expect(Set(calls.map { $0.answerer.selectedPair()?.local.address }) == [scene.port.localAddresses[0]])
        #expect(Set(calls.compactMap { $0.answerer.selectedPair()?.remote.address }).count == 50)
        for (index, call) in calls.enumerated() {
            try call.caller.send("question \(index)")
            #expect(try call.answerer.send(contentsOf: (0..<3).map { Array("answer \(index) \($0)".utf8) }) == 3)
        }
        let haveTalked = scene.run { calls.allSatisfy { $0.heardByAnswerer.count == 1 && $0.heardByCaller.count == 3 } }
        #expect(haveTalked)
        for (index, call) in calls.enumerated() {
            #expect(call.heardByAnswerer == ["question \(index)"])
            #expect(call.heardByCaller == (0..<3).map { "answer \(index) \($0)" })
        }
        #expect(scene.port.statistics.conflicts == 0)
    }

    @Test("Calls between two shared ports have their ends to themselves")
    func twoPorts() throws {
        let scene = try LoopScene()
        defer { scene.loop.close() }
        let far = try (0..<5).map { _ in try LoopScene.openPort(on: scene.loop) }
        let calls = try far.map { try scene.call(from: $0) }
        let areConnected = scene.run { calls.allSatisfy(\.isConnected) }
        #expect(areConnected)
        for (index, call) in calls.enumerated() {
            #expect(call.caller.selectedPair()?.local.address == far[index].localAddresses[0])
            try call.caller.send("\(index)")
        }
        let haveTalked = scene.run { calls.allSatisfy { !$0.heardByAnswerer.isEmpty } }
        #expect(haveTalked)
        #expect(calls.map(\.heardByAnswerer) == (0..<5).map { ["\($0)"] })
    }

    @Test("A client that is closed inside its own event leaves its neighbours alone")
    func closedInside() throws {
        let scene = try LoopScene()
        defer { scene.loop.close() }
        let calls = try (0..<3).map { _ in try scene.call() }
        let areConnected = scene.run { calls.allSatisfy(\.isConnected) }
        #expect(areConnected)
        var told = 0
        calls[1].answerer.onData = { _, _ in
            told += 1
            calls[1].answerer.close()
        }
        // They come in one system call, and maybe in one piece.
        try calls[1].caller.send(contentsOf: Array(repeating: Array("the end".utf8), count: 10))
        for call in [calls[0], calls[2]] { try call.caller.send("still here") }
        let haveHeard = scene.run { told > 0 && [calls[0], calls[2]].allSatisfy { !$0.heardByAnswerer.isEmpty } }
        #expect(haveHeard)
        scene.settle()
        #expect(told == 1)
        #expect(scene.port.statistics.clients == 2)
    }

    @Test("A port that is closed inside a client's event sends and tells nothing more, and the loop ends in peace")
    func portClosedInside() throws {
        let scene = try LoopScene()
        defer { scene.loop.close() }
        let calls = try (0..<3).map { _ in try scene.call() }
        let areConnected = scene.run { calls.allSatisfy(\.isConnected) }
        #expect(areConnected)
        var told = 0
        for call in calls {
            call.answerer.onData = { _, _ in
                told += 1
                scene.port.close()
            }
            try call.caller.send(contentsOf: Array(repeating: [UInt8](repeating: 255, count: 100), count: 10))
        }
        let isClosed = scene.run { told > 0 }
        #expect(isClosed)
        scene.settle()
        #expect(told == 1)
        for call in calls {
            // As over any path that is gone: the datagram is lost, and consent will tell.
            try? call.answerer.send("too late")
            call.answerer.close()
        }
        scene.settle()
        #expect(calls.allSatisfy { $0.heardByCaller.isEmpty })
        #expect(scene.port.statistics.clients == 0)
    }

    @Test("A port is opened on a loop that a host runs and lends")
    func adopted() throws {
        let host = try EventLoop()
        defer { host.close() }
        let guest = try unsafe EventLoop(adopting: host.core.loop)
        let scene = try LoopScene(on: guest)
        let calls = try (0..<5).map { _ in try scene.call() }
        let areConnected = host.run(until: { calls.allSatisfy(\.isConnected) }, atMost: Self.patience)
        #expect(areConnected)
        for call in calls { try call.caller.send("over the host's loop") }
        let haveTalked = host.run(until: { calls.allSatisfy { !$0.heardByAnswerer.isEmpty } }, atMost: Self.patience)
        #expect(haveTalked)
        guest.close()
    }

    @Test("A hundred connections from one address that a busy loop finds waiting are all heard")
    func crowd() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var configuration = SharedPortConfiguration(port: 0, addresses: [.loopback(.v4)])
        configuration.takesConnections = true
        let port = try SharedPort(loop: loop, configuration: configuration)
        var answering = LoopScene.configuration(.controlled)
        answering.transports = .tcp
        let answerers = try (0..<100).map { _ in try ICEClient(port: port, configuration: answering) }
        let callers = try EventLoop()
        defer { callers.close() }
        var writtenCount = 0
        for answerer in answerers {
            answerer.gatherCandidates()
            let stream = try TCPStream(on: callers, connectingTo: port.localAddresses[0])
            try stream.write(framedCheck(for: answerer.localParameters.usernameFragment))
            stream.onWritable = { writtenCount += 1 }
        }
        #expect(callers.run(until: { writtenCount == 100 }, atMost: Self.patience))
        func heardCount() -> Int { answerers.count { $0.statistics().unauthenticatedRequests == 1 } }
        #expect(loop.run(until: { port.statistics.connections == 100 }, atMost: Self.patience))
        for _ in 0..<10 { loop.run(.noWait) }
        #expect(heardCount() == 100)
        // One more turn than it takes to be read.
        #expect(TCPListener.acceptsAtATime * 2 <= TCPLimits().unidentifiedCountPerIP)
    }

    /// A check that nobody has signed.
    private func framedCheck(for name: String) -> [UInt8] {
        var check = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 7, low: 9))
        check.append(STUNMessage.Username("\(name):peer"))
        check.appendFingerprint()
        return [0, UInt8(check.bytes.count)] + check.bytes
    }

    @Test("Clients on one port that had no room are told once when there is some, those who were never refused are not")
    func room() throws {
        let scene = try LoopScene()
        defer { scene.loop.close() }
        let calls = try (0..<3).map { _ in try scene.call() }
        let areConnected = scene.run { calls.allSatisfy(\.isConnected) }
        #expect(areConnected)
        var told = [0, 0, 0]
        for (index, call) in calls.enumerated() { call.answerer.onWritable = { _ in told[index] += 1 } }
        // Over the loopback interface a send is a delivery, so that the system's buffer never is full: it is as if it had been.
        for call in calls[..<2] {
            for index in call.answerer.paths.indices { call.answerer.paths[index].isBlocked = true }
            let view = try #require(call.answerer.paths.first?.socket as? PortView)
            view.socket.expectRoom(for: view)
            (view.socket.socket as? UDPSocket)?.expectRoom()
        }
        let haveHeard = scene.run { told == [1, 1, 0] }
        #expect(haveHeard)
        scene.settle()
        #expect(told == [1, 1, 0])
    }
}

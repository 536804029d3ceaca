import STUN
import Testing

@testable import ICE
@testable import ICETesting

extension StreamChangeTests {
    // MARK: Removing

    @Test("A stream that is removed gives back its sockets, and its position is not used again")
    func remove() throws {
        let call = try call(streams: 3)
        for client in call.clients { client.removeStream(Self.second) }
        #expect(openPorts(call) == [2, 2])
        #expect(call.isCompleted)
        call.network.run(for: .seconds(60))
        #expect(call.isCompleted)
        for client in call.clients {
            #expect(Set(client.localCandidates.map(\.stream.index)) == [0, 2])
            #expect(Set(client.candidatePairs.map(\.path.stream.index)) == [0, 2])
            #expect(try client.addStream() == StreamID(3))
        }
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.caller.localDescription.media.map(\.isDisabled) == [false, true, false, false])
        for client in call.clients { client.removeStream(Self.second) }
        #expect(call.isCompleted)
    }

    @Test("With all streams removed nothing is sent any more; the first that is added connects")
    func removeAll() throws {
        let call = try call()
        for client in call.clients { client.removeStream(StreamID(0)) }
        #expect(call.clients.allSatisfy { $0.state == .new })
        call.network.isTracing = true
        call.network.run(for: .seconds(100))
        #expect(call.network.trace.isEmpty)
        #expect(openPorts(call) == [0, 0])
        for client in call.clients { try client.addStream() }
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
    }

    @Test("Removing what a server has still to answer for ends the gathering")
    func removeWhileGathering() throws {
        let network = SimulatedNetwork(seed: 12)
        let server = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.10"]))
        server.isSilent = true
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let client = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]), configuration: configuration)
        try client.addStream()
        client.gatherCandidates()
        network.run(for: .milliseconds(300))
        #expect(client.gatheringState == .gathering)
        client.removeStream(StreamID(0))
        #expect(client.gatheringState == .complete)
        network.run(for: .seconds(60))
        #expect(network.isIdle)
    }

    @Test("A stream may be removed inside of any closure, its check's included, and no event of it follows")
    func removeInsideOfClosures() throws {
        let (network, a, b) = SimulatedCallTests.hosts(12)
        let call = SimulatedCall(network, a, b)
        for client in call.clients { for _ in 0..<2 { try client.addStream() } }
        let callee = call.callee
        var removed = false
        callee.shouldAcceptBindingRequest = { [unowned callee] request in
            if request.path.stream == Self.second, !removed {
                removed = true
                callee.removeStream(Self.second)
            }
            return true
        }
        call.start()
        network.run(for: .seconds(2))
        #expect(removed)
        #expect(callee.state == .completed)
        #expect(!call.nominated[1].contains { $0.path.stream == Self.second })
        #expect(openPorts(call) == [2, 1])
    }

    @Test("G11: one silent stream makes the session disconnected, and back when it speaks again")
    func oneSilentStream() throws {
        let call = try call(streams: 2)
        let port = call.caller.localCandidates.first { $0.stream == Self.second }?.address.port
        call.network.interceptor = { $0.source.port == port || $0.destination.port == port ? .drop : .pass }
        #expect(call.network.run(until: { call.caller.state == .disconnected }, atMost: .seconds(10)))
        // A stream that is being checked does not hide it.
        try call.caller.addStream()
        #expect(call.caller.state == .disconnected)
        call.caller.removeStream(StreamID(2))
        call.network.interceptor = nil
        #expect(call.network.run(until: { call.caller.state == .completed }, atMost: .seconds(5)))
    }

    @Test("A restart takes along what was added and leaves out what was removed")
    func restart() throws {
        let call = try call(streams: 2)
        for client in call.clients {
            client.removeStream(StreamID(0))
            try client.addStream()
            client.restart()
        }
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        for client in call.clients { #expect(Set(client.candidatePairs.map(\.path.stream.index)) == [1, 2]) }
    }

    @Test("Streams added and removed at random instants leave a call that works and nothing else", arguments: 0..<30)
    func random(_ seed: UInt64) throws {
        let (network, a, b) = SimulatedCallTests.hosts(seed)
        var random = network.makeRandomNumberGenerator("changes")
        let call = SimulatedCall(network, a, b, signallingDelay: .milliseconds(Int.random(in: 0...100, using: &random)))
        for client in call.clients { try client.addStream(components: 2) }
        call.start()
        var streams = [StreamID(0)]
        for _ in 0..<20 {
            network.run(for: .milliseconds(Int.random(in: 0...300, using: &random)))
            if streams.count < 2 || Bool.random(using: &random) {
                let components = Int.random(in: 1...2, using: &random)
                streams = [try call.caller.addStream(components: components)] + streams
                #expect(try call.callee.addStream(components: components) == streams[0])
            } else {
                let stream = streams.remove(at: Int.random(in: 0..<streams.count, using: &random))
                for client in call.clients { client.removeStream(stream) }
            }
        }
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(60)), "seed \(seed)")
        for client in call.clients {
            #expect(Set(client.candidatePairs.map(\.path.stream)) == Set(streams), "seed \(seed)")
        }
        #expect(openPorts(call)[0] == call.caller.localCandidates.count, "seed \(seed)")
        call.close()
        network.run(for: .seconds(1))
        #expect(network.isIdle, "seed \(seed)")
        #expect(openPorts(call) == [0, 0], "seed \(seed)")
    }
}

import ICECore
import NetBase
import Testing

@testable import ICE

@Suite("TCP candidates on a libuv loop")
struct TCPLoopbackTests {
    private static let patience = Duration.seconds(10)

    private static func base(on loop: EventLoop, _ type: Candidate.TCPType, limits: TCPLimits = TCPLimits()) throws
        -> TCPBase
    {
        TCPBase(try TCPCandidateSocket(on: UVPlatform(loop), type, ip: .loopback(.v4), limits: limits))
    }

    /// Two bases, one of which has shown the other who it is.
    private static func connected(on loop: EventLoop) throws -> (active: TCPBase, passive: TCPBase) {
        let (active, passive) = (try base(on: loop, .active), try base(on: loop, .passive))
        passive.identifiesEverybody()
        try active.send(check, to: passive.address)
        #expect(loop.run(until: { passive.datagrams == [check] }, atMost: patience))
        return (active, passive)
    }

    @Test("E4.2: an active and a passive base talk, with long datagrams and many at once")
    func talking() throws {
        let loop = try EventLoop()
        let (active, passive) = try Self.connected(on: loop)
        try passive.send(check, to: passive.sources[0])
        #expect(loop.run(until: { active.datagrams == [check] }, atMost: Self.patience))

        passive.forgetDatagrams()
        let datagrams = (0..<500).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 1 + $0 % 1400) }
        let long = (0..<65_535).map { UInt8(truncatingIfNeeded: $0 >> 3) }
        for datagram in datagrams.prefix(100) { try active.send(datagram, to: passive.address) }
        try active.send(long, to: passive.address)
        var sent = 100
        #expect(
            loop.run(
                until: {
                    let rest = Array(datagrams[sent...])
                    if !rest.isEmpty { sent += (try? active.socket.send(contentsOf: rest, to: passive.address)) ?? 0 }
                    return passive.datagrams.count == 501
                }, atMost: Self.patience))
        #expect(passive.datagrams == Array(datagrams[..<100]) + [long] + Array(datagrams[100...]))
    }

    @Test("Back-pressure: what the system does not take is bounded, refused and told, and frames stay whole")
    func backpressure() throws {
        let loop = try EventLoop()
        let (active, passive) = try Self.connected(on: loop)
        passive.forgetDatagrams()
        var count = 0
        let error = #expect(throws: NetworkError.self) {
            while count < 100_000 {
                let datagram = [UInt8](repeating: UInt8(truncatingIfNeeded: count), count: 40_000 - count % 7)
                try active.send(datagram, to: passive.address)
                count += 1
            }
        }
        #expect(error?.code == .wouldBlock)
        #expect(
            loop.run(until: { passive.datagrams.count == count && active.writableCount == 1 }, atMost: Self.patience))
        let isWhole = passive.datagrams.enumerated().allSatisfy { number, datagram in
            datagram.count == 40_000 - number % 7
                && datagram.allSatisfy { $0 == UInt8(truncatingIfNeeded: number) }
        }
        #expect(isWhole)
    }

    @Test("Room is told when the connection is up, where the system takes all that waited for it at once")
    func roomAfterConnecting() throws {
        let loop = try EventLoop()
        var limits = TCPLimits()
        limits.unsentByteCount = 100
        let active = try Self.base(on: loop, .active, limits: limits)
        let passive = try Self.base(on: loop, .passive)
        passive.identifiesEverybody()
        let long = [UInt8](repeating: 7, count: 200)
        try active.send(check, to: passive.address)
        try active.send(long, to: passive.address)
        let error = #expect(throws: NetworkError.self) { try active.send([1], to: passive.address) }
        #expect(error?.code == .wouldBlock)
        #expect(loop.run(until: { passive.datagrams == [check, long] }, atMost: Self.patience))
        #expect(active.writableCount == 1)
    }

    @Test("E4.4: a base of simultaneous open connects from the port that it listens on")
    func sharedPort() throws {
        let loop = try EventLoop()
        let first = try Self.base(on: loop, .simultaneousOpen)
        let second = try Self.base(on: loop, .simultaneousOpen)
        try first.send(check, to: second.address)
        #expect(loop.run(until: { second.datagrams == [check] }, atMost: Self.patience))
        #expect(second.sources == [first.address])
        try second.send(check, to: first.address)
        #expect(loop.run(until: { first.datagrams == [check] }, atMost: Self.patience))
        #expect(first.sources == [second.address])
    }

    @Test("E4.4: what is sent while the other end's connection waits to be accepted goes over that")
    func meeting() throws {
        let loop = try EventLoop()
        let first = try Self.base(on: loop, .simultaneousOpen)
        let second = try Self.base(on: loop, .simultaneousOpen)
        // The system has the connection by the time that the second one makes its own.
        try first.send(check, to: second.address)
        try second.send(check, to: first.address)
        #expect(loop.run(until: { first.datagrams == [check] && second.datagrams == [check] }, atMost: Self.patience))
        #expect(first.socket.connections.count == 1 && second.socket.connections.count == 1)
    }

    #if os(Linux)
        @Test("200 connections that nothing identifies leave the descriptors where they were, and a call undisturbed")
        func flood() async throws {
            let result: (most: Int, left: Int, received: Int)? = try await withOwnDescriptors {
                let loop = try EventLoop()
                var limits = TCPLimits()
                limits.identificationTimeout = .milliseconds(300)
                let active = try Self.base(on: loop, .active)
                let passive = try Self.base(on: loop, .passive, limits: limits)
                passive.identifiesEverybody()
                try active.send(check, to: passive.address)
                _ = loop.run(until: { passive.datagrams.count == 1 }, atMost: Self.patience)
                let before = ownDescriptorCount()
                var most = 0
                var ended = 0
                for number in 0..<200 {
                    let stream = try TCPStream(on: loop, connectingTo: passive.address)
                    stream.onClose = { _ in ended += 1 }
                    if number % 2 == 0 { try stream.write([0x05, 0xdc, 0]) }
                    try active.send([1], to: passive.address)
                    loop.run(.noWait)
                    most = max(most, passive.socket.connections.count)
                }
                _ = loop.run(until: { ended == 200 && passive.datagrams.count == 201 }, atMost: Self.patience)
                return (most, ownDescriptorCount() - before, passive.datagrams.count)
            }
            let outcome = try #require(result, "the system gives no thread descriptors of its own")
            // 16 from one address, and the call.
            #expect(outcome.most == 17)
            #expect(outcome.left == 0)
            #expect(outcome.received == 201)
        }

        @Test("Without descriptors left nothing spins or closes: who connects is turned away, and later let in")
        func exhaustion() async throws {
            let result: (turnedAway: Bool, duringCall: Int, letIn: Bool)? = try await withOwnDescriptors {
                let loop = try EventLoop()
                let active = try Self.base(on: loop, .active)
                let passive = try Self.base(on: loop, .passive)
                passive.identifiesEverybody()
                try active.send(check, to: passive.address)
                _ = loop.run(until: { passive.datagrams.count == 1 }, atMost: Self.patience)
                // The stream's socket is the last descriptor that there is.
                let waiting = try TCPStream(on: loop, connectingTo: passive.address)
                var ending: NetworkError?
                waiting.onClose = { ending = $0 }
                let taken = useUpDescriptors()
                _ = loop.run(until: { ending != nil }, atMost: Self.patience)
                for _ in 0..<10 { try active.send([1], to: passive.address) }
                _ = loop.run(until: { passive.datagrams.count == 11 }, atMost: Self.patience)
                let duringCall = passive.datagrams.count
                giveBack(taken)
                let second = try Self.base(on: loop, .active)
                try second.send(check, to: passive.address)
                let letIn = loop.run(until: { passive.datagrams.count == 12 }, atMost: Self.patience)
                return (ending != nil, duringCall, letIn)
            }
            let outcome = try #require(result, "the system gives no thread descriptors of its own")
            #expect(outcome.turnedAway)
            #expect(outcome.duringCall == 11)
            #expect(outcome.letIn)
        }
    #endif
}

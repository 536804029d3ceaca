#if os(Linux)
    import NetBase
    import Testing

    @testable import UV

    extension UVTests {
        @Suite("ICMP errors on a UDP socket")
        struct UnreachableTests {
            let loop: EventLoop
            init() throws { loop = try EventLoop() }

            @Test("A closed port is reported with its exact destination", arguments: IPAddress.Family.onLoopback)
            func reported(family: IPAddress.Family) throws {
                let socket = try makeSocket(loop, family)
                let closed = try closedAddress(loop, family)
                var reports: [(TransportAddress, NetworkError)] = []
                socket.onUnreachable = { reports.append(($0, $1)) }
                socket.onError = { Issue.record("\($0)") }
                try socket.send([1].span, to: closed)
                #expect(reports.isEmpty)
                #expect(loop.run(until: { !reports.isEmpty }, atMost: patience))
                settle(loop)
                #expect(reports.map(\.0) == [closed])
                #expect(reports[0].1.code == .connectionRefused)
                #expect(reports[0].1.description == "send to \(closed): ECONNREFUSED")
            }

            @Test("A healthy destination is not blamed for another's error", arguments: IPAddress.Family.onLoopback)
            func healthyUnaffected(family: IPAddress.Family) throws {
                let (socket, healthy) = (try makeSocket(loop, family), try makeSocket(loop, family))
                let closed = [try closedAddress(loop, family), try closedAddress(loop, family)]
                var unreachable: [TransportAddress] = []
                var received: [UInt8] = []
                socket.onUnreachable = { destination, _ in unreachable.append(destination) }
                socket.onError = { Issue.record("\($0)") }
                healthy.onDatagram = { bytes, _ in received.append(bytes[0]) }
                // On loopback the error is pending before send returns, so that every other one of these meets it.
                for index in 0..<20 as Range<UInt8> {
                    try socket.send([index].span, to: closed[Int(index) % 2])
                    try socket.send([index].span, to: healthy.localAddress)
                }
                #expect(loop.run(until: { received.count == 20 && unreachable.count == 20 }, atMost: patience))
                #expect(received == Array(0..<20))
                #expect(Set(unreachable) == Set(closed))
            }

            @Test("An error with nobody listening for it leaves no loop spinning")
            func doesNotSpin() throws {
                let socket = try makeSocket(loop)
                let (closed, other) = (try closedAddress(loop), try makeSocket(loop))
                try socket.send([1].span, to: closed)
                // This send takes the pending error off the socket; only the queue is left to wake the loop.
                try socket.send([1].span, to: other.localAddress)
                settle(loop)
                var turns = 0
                _ = loop.run(
                    until: {
                        turns += 1
                        return false
                    }, atMost: .milliseconds(30))
                #expect(turns < 10)
            }

            @Test("Datagrams are received before and after an error")
            func receivesOn() throws {
                let (socket, other) = (try makeSocket(loop), try makeSocket(loop))
                let closed = try closedAddress(loop)
                var received: [UInt8] = []
                var unreachable = 0
                socket.onDatagram = { bytes, _ in received.append(bytes[0]) }
                socket.onUnreachable = { _, _ in unreachable += 1 }
                try other.send([1].span, to: socket.localAddress)
                try socket.send([0].span, to: closed)
                try other.send([2].span, to: socket.localAddress)
                #expect(loop.run(until: { received.count == 2 && unreachable == 1 }, atMost: patience))
                try other.send([3].span, to: socket.localAddress)
                #expect(loop.run(until: { received.count == 3 }, atMost: patience))
                #expect(received == [1, 2, 3])
            }

            @Test("A socket may be closed from inside its error report")
            func closeInside() throws {
                let socket = try makeSocket(loop)
                let closed = try closedAddress(loop)
                var reports = 0
                socket.onUnreachable = { _, _ in
                    reports += 1
                    socket.close()
                }
                for _ in 0..<3 { try socket.send([1].span, to: closed) }
                #expect(loop.run(until: { reports > 0 }, atMost: patience))
                #expect(!loop.run())
                #expect(reports == 1)
            }

            @Test("An error that another call has taken off the socket is told while datagrams never end")
            func inFlow() throws {
                let socket = try makeSocket(loop)
                let peer = try makeSocket(loop)
                let closed = try closedAddress(loop)
                var (reports, count) = (0, 0)
                socket.onUnreachable = { _, _ in reports += 1 }
                socket.onDatagram = { _, _ in
                    count += 1
                    if reports == 0, count < 1_000 { try? peer.send([2].span, to: socket.localAddress) }
                }
                try socket.send([1].span, to: closed)
                try socket.send([1].span, to: peer.localAddress)
                try peer.send([1].span, to: socket.localAddress)
                #expect(loop.run(until: { reports > 0 }, atMost: patience))
                #expect(reports == 1 && count < 1_000)
                socket.close()
                peer.close()
            }
        }
    }
#endif

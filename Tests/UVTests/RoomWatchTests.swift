#if os(Linux)
    import Glibc
    import NetBase
    import Testing

    @testable import UV

    extension UVTests {
        @Suite("Waiting for room to send")
        struct RoomWatchTests {
            let loop: EventLoop
            init() throws { loop = try EventLoop() }

            @Test("What waits for room is not inherited by programs that are started meanwhile")
            func isNotInherited() throws {
                let socket = try makeSocket(loop)
                socket.onWritable = {}
                socket.expectRoom()
                let descriptor = try #require(socket.roomWatch?.descriptor)
                #expect(descriptor != socket.descriptor)
                #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
                socket.close()
            }

            @Test("Where the process has no descriptor left, room is told after a while all the same, and once")
            func noDescriptor() throws {
                let socket = try makeSocket(loop)
                var told = 0
                socket.onWritable = { told += 1 }
                socket.roomWatch = try RoomWatch(for: socket, duplicate: { _ in -1 })
                socket.expectRoom()
                socket.expectRoom()
                #expect(socket.roomWatch?.descriptor == nil)
                #expect(loop.run(until: { told > 0 }, atMost: patience))
                for _ in 0..<3 { loop.run(.noWait) }
                #expect(told == 1)
                socket.close()
            }

            @Test("While room is waited for, an ICMP error is told as ever, and room once")
            func unreachable() throws {
                let socket = try makeSocket(loop)
                let closed = try closedAddress(loop)
                var (errors, rooms) = (0, 0)
                socket.onUnreachable = { _, _ in errors += 1 }
                socket.onWritable = { rooms += 1 }
                try socket.send([1].span, to: closed)
                socket.expectRoom()
                #expect(loop.run(until: { errors == 1 && rooms == 1 }, atMost: patience))
                for _ in 0..<3 { loop.run(.noWait) }
                #expect(errors == 1 && rooms == 1)
                socket.close()
            }
        }
    }
#endif

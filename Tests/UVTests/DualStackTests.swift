#if os(Linux)
    import CLibUV
    import Glibc
    import NetBase
    import Testing

    @testable import UV

    extension UVTests {
        @Suite(
            "A socket for both address families",
            .enabled(if: IPAddress.Family.onLoopback.contains(.v6), "the machine is without IPv6"))
        struct DualStackTests {
            let loop: EventLoop
            init() throws { loop = try EventLoop() }

            @Test("H38: what comes from an IPv4-mapped address is told as coming from the IPv4 address")
            func mappedSource() throws {
                let socket = try makeDualStackSocket()
                let port = socket.localAddress.port
                var sources: [TransportAddress] = []
                socket.onDatagram = { _, source in sources.append(source) }
                let (v4, v6) = (try makeSocket(loop, .v4), try makeSocket(loop, .v6))
                for sender in [v4, v6] {
                    try sender.send([1].span, to: TransportAddress(.loopback(sender.localAddress.family), port: port))
                }
                #expect(loop.run(until: { sources.count == 2 }, atMost: patience))
                #expect(Set(sources) == [v4.localAddress, v6.localAddress])
            }

            /// The system chooses a port that is free in IPv6; in IPv4 somebody may have it.
            private func makeDualStackSocket() throws -> UDPSocket {
                for _ in 0..<32 {
                    let socket = try UDPSocket(on: loop, boundTo: TransportAddress(.any(.v6), port: 0))
                    if try takesIPv4Too(socket, socket.localAddress.port) { return socket }
                    socket.close()
                }
                throw NetworkError(
                    .addressInUse, name: "EADDRINUSE", operation: "find a port that is free in both families")
            }

            /// The library's own sockets are for one family alone: before its first turn on the loop, this one is made to stand for
            /// another one that is not. False where IPv4 has the port taken.
            private func takesIPv4Too(_ socket: UDPSocket, _ port: UInt16) throws -> Bool {
                let handle = try unsafe socket.openHandle(as: uv_udp_t.self, "test")
                var descriptor: uv_os_fd_t = -1
                #expect(
                    unsafe uv_fileno(
                        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self), &descriptor) == 0)
                let other = Glibc.socket(AF_INET6, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
                try #require(other >= 0)
                defer { Glibc.close(other) }
                var (no, yes): (Int32, Int32) = (0, 1)
                let size = socklen_t(MemoryLayout<Int32>.size)
                #expect(unsafe setsockopt(other, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, size) == 0)
                #expect(unsafe setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &yes, size) == 0)
                #expect(unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size) == 0)
                let any = TransportAddress(.any(.v6), port: port)
                let status = unsafe any.withSocketAddress {
                    unsafe Glibc.bind(other, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
                guard status == 0 else {
                    try #require(errno == EADDRINUSE)
                    return false
                }
                #expect(dup2(other, descriptor) == descriptor)
                return true
            }
        }
    }
#endif

import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("TCP stream and listener")
    struct TCPTests {
        let loop: EventLoop
        init() throws { loop = try EventLoop() }

        /// Both ends of a connection over loopback, once up.
        private func connection(
            _ family: IPAddress.Family = .v4
        ) throws -> (client: TCPStream, server: TCPStream, listener: TCPListener) {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress(family))
            var server: TCPStream?
            listener.onConnection = { server = $0 }
            let client = try TCPStream(on: loop, connectingTo: listener.localAddress)
            var isConnected = false
            client.onConnect = { isConnected = true }
            #expect(!isConnected)
            #expect(loop.run(until: { isConnected && server != nil }, atMost: patience))
            return (client, try #require(server), listener)
        }

        #if os(Linux) || canImport(Darwin)
            @Test("What the system can't send yet waits here, where that is asked for")
            func unsentLimit() throws {
                // On a loop that never runs: the system lets connections in, and nobody reads.
                let silent = try EventLoop()
                let listener = try TCPListener(on: silent, boundTo: loopbackAddress())
                let stream = try TCPStream(on: loop, connectingTo: listener.localAddress)
                var isConnected = false
                stream.onConnect = { isConnected = true }
                #expect(loop.run(until: { isConnected }, atMost: patience))
                stream.limitUnsent(to: 16 << 10)
                let piece = [UInt8](repeating: 1, count: 64 << 10)
                for _ in 0..<100 { try stream.write(piece) }
                #expect(stream.unsentByteCount > 6_000_000)
                withExtendedLifetime(silent) {}
            }
        #endif

        @Test("Both ends know both addresses", arguments: IPAddress.Family.onLoopback)
        func addresses(family: IPAddress.Family) throws {
            let (client, server, listener) = try connection(family)
            #expect(client.remoteAddress == listener.localAddress)
            #expect(server.localAddress == listener.localAddress)
            #expect(client.localAddress == server.remoteAddress)
            #expect(client.localAddress?.ip == .loopback(family))
        }

        @Test("A connection starts from the local address that was asked for")
        func localAddress() throws {
            let local = try #require(TransportAddress("127.0.0.2:0"))
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            var peer: TransportAddress?
            listener.onConnection = { peer = $0.remoteAddress }
            let stream = try TCPStream(on: loop, connectingTo: listener.localAddress, from: local)
            #expect(loop.run(until: { peer != nil }, atMost: patience))
            #expect(peer?.ip == local.ip)
            #expect(!stream.isClosed)
        }

        @Test("Of many that have connected, those that were accepted are read before more are accepted")
        func acceptsInTurn() throws {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            var (silentCount, most, heardCount) = (0, 0, 0)
            listener.onConnection = { stream in
                silentCount += 1
                most = max(most, silentCount)
                stream.onBytes = { _ in (silentCount, heardCount) = (silentCount - 1, heardCount + 1) }
            }
            // All have said something before the listener's loop looks.
            let others = try EventLoop()
            defer { others.close() }
            var saidCount = 0
            for _ in 0..<100 {
                let stream = try TCPStream(on: others, connectingTo: listener.localAddress)
                try stream.write([1])
                stream.onWritable = { saidCount += 1 }
            }
            #expect(others.run(until: { saidCount == 100 }, atMost: patience))
            #expect(loop.run(until: { heardCount == 100 }, atMost: patience))
            #expect(most == TCPListener.acceptsAtATime)
        }

        @Test("A listener that is closed while connections wait for their turn turns them away")
        func closedWithWaiting() throws {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            var (acceptedCount, endCount) = (0, 0)
            listener.onConnection = { _ in
                acceptedCount += 1
                guard acceptedCount == TCPListener.acceptsAtATime else { return }
                listener.core.enqueue { listener.close() }
            }
            for _ in 0..<40 {
                try TCPStream(on: loop, connectingTo: listener.localAddress).onClose = { _ in endCount += 1 }
            }
            let waitingCount = 40 - TCPListener.acceptsAtATime
            #expect(loop.run(until: { endCount == waitingCount }, atMost: patience))
            #expect(acceptedCount == TCPListener.acceptsAtATime)
        }

        @Test("Bytes written one at a time arrive in order")
        func singleBytes() throws {
            let (client, server, _) = try connection()
            let sent = (0..<500).map { UInt8(truncatingIfNeeded: $0) }
            var received: [UInt8] = []
            server.onBytes = { received += [UInt8](copying: $0) }
            for byte in sent { try client.write([byte]) }
            try client.write([])
            #expect(loop.run(until: { received.count == sent.count }, atMost: patience))
            #expect(received == sent)
        }

        @Test("What was written before the connection is up is sent then, in order")
        func writeBeforeConnect() throws {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            var received: [UInt8] = []
            listener.onConnection = { $0.onBytes = { received += [UInt8](copying: $0) } }
            let client = try TCPStream(on: loop, connectingTo: listener.localAddress)
            try client.write([1, 2])
            try client.write([3])
            #expect(client.unsentByteCount == 3)
            #expect(loop.run(until: { received.count == 3 }, atMost: patience))
            #expect(received == [1, 2, 3])
            #expect(client.unsentByteCount == 0)
        }

        @Test("More than the system takes waits, is counted, and arrives whole")
        func backpressure() throws {
            let (client, server, _) = try connection()
            let size = 16 << 20
            let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 >> 8) }
            try client.write(sent)
            try client.write([0xff])
            #expect(client.unsentByteCount > 0)
            var received: [UInt8] = []
            received.reserveCapacity(size + 1)
            server.onBytes = { bytes in
                unsafe bytes.withUnsafeBufferPointer { unsafe received.append(contentsOf: $0) }
            }
            #expect(loop.run(until: { received.count == size + 1 }, atMost: patience))
            #expect(received == sent + [0xff])
            #expect(client.unsentByteCount == 0)
        }

        @Test("The peer's end is reported once, after its last bytes, and closes the stream")
        func endOfStream() throws {
            let (client, server, _) = try connection()
            var events: [String] = []
            server.onBytes = { events.append("\($0.count) bytes") }
            server.onClose = { events.append($0.code.description) }
            try client.write([1, 2, 3])
            client.close()
            #expect(loop.run(until: { events.count == 2 }, atMost: patience))
            #expect(events == ["3 bytes", "endOfStream"])
            #expect(server.isClosed)
            #expect(throws: NetworkError.self) { try server.write([1]) }
        }

        @Test("A reset by the peer is reported, also while writing, and no signal ends the process")
        func reset() throws {
            let (client, server, _) = try connection()
            var error: NetworkError?
            client.onClose = { error = $0 }
            // Unread bytes at close make the system send a reset.
            try client.write([1])
            server.close()
            // The first of these learns of the reset at most; a later one writes to a pipe that is known to be broken.
            for _ in 0..<4 { try? client.write([2]) }
            #expect(loop.run(until: { error != nil }, atMost: patience))
            #expect(error?.code == .connectionReset || error?.code == .endOfStream)
            #expect(client.isClosed)
        }

        @Test("A connection that nobody takes is reported with its address", arguments: IPAddress.Family.onLoopback)
        func refused(family: IPAddress.Family) throws {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress(family))
            let address = listener.localAddress
            listener.close()
            loop.run(.noWait)
            let stream = try TCPStream(on: loop, connectingTo: address)
            var error: NetworkError?
            stream.onConnect = { Issue.record("connected") }
            stream.onClose = { error = $0 }
            #expect(loop.run(until: { error != nil }, atMost: patience))
            #expect(error?.code == .connectionRefused)
            #expect(error?.description == "connect to \(address): ECONNREFUSED")
        }

        @Test("Closing before the connection is up, or with bytes unsent, is the last that is heard")
        func closeEarly() throws {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            let client = try TCPStream(on: loop, connectingTo: listener.localAddress)
            client.onConnect = { Issue.record("connected") }
            client.onClose = { Issue.record("\($0)") }
            try client.write([UInt8](repeating: 0, count: 1 << 20))
            client.close()
            client.close()
            #expect(client.unsentByteCount == 0)
            settle(loop)
            listener.close()
            #expect(!loop.run())
        }

        @Test("A connection that the listener's owner does not want is closed")
        func turnedAway() throws {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            let client = try TCPStream(on: loop, connectingTo: listener.localAddress)
            var error: NetworkError?
            client.onClose = { error = $0 }
            #expect(loop.run(until: { error != nil }, atMost: patience))
            #expect(error?.code == .endOfStream)
        }

        @Test("A connection that cannot even be started is an error of the call, and leaves nothing behind")
        func impossibleConnection() throws {
            let handles = handleCount(loop)
            let error = #expect(throws: NetworkError.self) {
                try TCPStream(
                    on: loop, connectingTo: loopbackAddress(.v4, port: 9), from: TransportAddress(.any(.v6), port: 0))
            }
            #expect(error?.code == .invalidArgument)
            #expect(throws: NetworkError.self) {
                try TCPStream(
                    on: loop, connectingTo: loopbackAddress(.v6, port: 9), from: TransportAddress("192.0.2.77:0"))
            }
            #expect(!loop.run())
            #expect(handleCount(loop) == handles)
        }

        @Test("A listener refuses a taken address, though it would share the port", arguments: [false, true])
        func addressInUse(_ sharesPort: Bool) throws {
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress(), sharesPort: sharesPort)
            let error = #expect(throws: NetworkError.self) {
                try TCPListener(on: loop, boundTo: listener.localAddress, sharesPort: sharesPort)
            }
            #expect(error?.code == .addressInUse)
            #expect(error?.advice?.contains("port \(listener.localAddress.port)") == true)
        }

        @Test("A stream may be closed with a reset, which its own closures don't hear of")
        func resetting() throws {
            let (client, server, _) = try connection()
            var error: NetworkError?
            client.onClose = { error = $0 }
            server.onClose = { Issue.record("\($0)") }
            server.reset()
            server.reset()
            #expect(server.isClosed)
            #expect(loop.run(until: { error != nil }, atMost: patience))
            #expect(error?.code == .connectionReset)
        }

        @Test("A connection starts from a listener's port where both share it", arguments: IPAddress.Family.onLoopback)
        func sharedPort(family: IPAddress.Family) throws {
            let target = try TCPListener(on: loop, boundTo: loopbackAddress(family))
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress(family), sharesPort: true)
            var peer: TransportAddress?
            target.onConnection = { peer = $0.remoteAddress }
            let stream = try TCPStream(
                on: loop, connectingTo: target.localAddress, from: listener.localAddress, sharesPort: true)
            var error: NetworkError?
            let refused = try TCPStream(
                on: loop, connectingTo: target.localAddress, from: listener.localAddress)
            refused.onClose = { error = $0 }
            #expect(loop.run(until: { peer != nil && error != nil }, atMost: patience))
            #expect(peer == listener.localAddress)
            #expect(stream.localAddress == listener.localAddress)
            #expect(error?.code == .addressInUse)

            // Who connects to the port still comes to the listener.
            var accepted: TCPStream?
            listener.onConnection = { accepted = $0 }
            let caller = try TCPStream(on: loop, connectingTo: listener.localAddress)
            #expect(loop.run(until: { accepted != nil }, atMost: patience))
            #expect(!caller.isClosed)
        }

        @Test("A header and its body arrive as one, behind what was written before")
        func headerAndBody() throws {
            let (client, server, _) = try connection()
            var received: [UInt8] = []
            server.onBytes = { received += [UInt8](copying: $0) }
            let bodies = [0, 1, 3 << 20, 5, 2 << 20].map {
                [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0)
            }
            let early = try TCPStream(on: loop, connectingTo: client.remoteAddress)
            let (last, nothing): ([UInt8], [UInt8]) = ([3], [])
            try early.write([1, 2], last.span)
            #expect(early.unsentByteCount == 3)
            for (index, body) in bodies.enumerated() { try client.write([0xaa, UInt8(index)], body.span) }
            try client.write([], last.span)
            try client.write([], nothing.span)
            #expect(client.unsentByteCount > 0)
            var expected: [UInt8] = []
            for (index, body) in bodies.enumerated() { expected += [0xaa, UInt8(index)] + body }
            expected += last
            #expect(loop.run(until: { received.count >= expected.count }, atMost: patience))
            // Said apart, or a failure would print megabytes.
            let isWhole = received == expected
            #expect(isWhole)
        }

        @Test("TCP_NODELAY can be changed while open")
        func noDelay() throws {
            let (client, server, _) = try connection()
            try client.setNoDelay(false)
            try server.setNoDelay(true)
            client.close()
            #expect(throws: NetworkError.self) { try client.setNoDelay(true) }
        }
    }
}

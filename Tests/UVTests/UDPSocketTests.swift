import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("UDP socket")
    struct UDPSocketTests {
        let loop: EventLoop
        init() throws { loop = try EventLoop() }

        @Test(
            "Datagrams of any size arrive whole, empty ones too", arguments: IPAddress.Family.onLoopback,
            [0, 1, 1500, 65507])
        func sizes(family: IPAddress.Family, size: Int) throws {
            let (a, b) = (try makeSocket(loop, family), try makeSocket(loop, family))
            let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            var received: [[UInt8]] = []
            var source: TransportAddress?
            b.onDatagram = { bytes, from in
                received.append([UInt8](copying: bytes))
                source = from
            }
            try a.send(sent.span, to: b.localAddress)
            try a.send([7].span, to: b.localAddress)
            #expect(loop.run(until: { received.count == 2 }, atMost: patience))
            #expect(received == [sent, [7]])
            #expect(source == a.localAddress)
        }

        @Test("A datagram that is too large is refused and the socket goes on")
        func tooLarge() throws {
            let socket = try makeSocket(loop)
            var received = 0
            socket.onDatagram = { _, _ in received += 1 }
            let error = #expect(throws: NetworkError.self) {
                try socket.send([UInt8](repeating: 0, count: 65508).span, to: socket.localAddress)
            }
            #expect(error?.code == .messageTooLarge)
            #expect(error?.description == "send to \(socket.localAddress): EMSGSIZE")
            try socket.send([1].span, to: socket.localAddress)
            #expect(loop.run(until: { received == 1 }, atMost: patience))
        }

        @Test("Many datagrams in a burst all arrive")
        func burst() throws {
            let (a, b) = (try makeSocket(loop), try makeSocket(loop))
            var received: [UInt8] = []
            b.onDatagram = { bytes, _ in received.append(bytes[0]) }
            for index in 0..<100 as Range<UInt8> { try a.send([index].span, to: b.localAddress) }
            #expect(loop.run(until: { received.count == 100 }, atMost: patience))
            #expect(received == Array(0..<100))
        }

        @Test("Binding picks a free port and refuses a taken one", arguments: IPAddress.Family.onLoopback)
        func bind(family: IPAddress.Family) throws {
            let socket = try makeSocket(loop, family)
            #expect(socket.localAddress.port != 0)
            #expect(socket.localAddress.ip == .loopback(family))
            let handles = handleCount(loop)
            let error = #expect(throws: NetworkError.self) { try UDPSocket(on: loop, boundTo: socket.localAddress) }
            #expect(error?.code == .addressInUse)
            #expect(error?.description.hasPrefix("bind \(socket.localAddress): EADDRINUSE; another program") == true)
            loop.run(.noWait)
            #expect(handleCount(loop) == handles)
        }

        @Test("An address that no interface has is refused")
        func foreignAddress() throws {
            let address = try #require(TransportAddress("192.0.2.77:0"))
            let error = #expect(throws: NetworkError.self) { try UDPSocket(on: loop, boundTo: address) }
            #expect(error?.code == .addressNotAvailable)
            #expect(error?.advice?.contains("no interface of this machine has the address") == true)
        }

        @Test("IPv4 and IPv6 sockets share a port: IPv6 ones are for IPv6 alone")
        func v6Only() throws {
            // Another program may have one port or the other of IPv4.
            let isShared = try (0..<64).contains { _ in
                let v6 = try UDPSocket(on: loop, boundTo: TransportAddress(.any(.v6), port: 0))
                let v4 = try? UDPSocket(on: loop, boundTo: TransportAddress(.any(.v4), port: v6.localAddress.port))
                return v4?.localAddress.port == v6.localAddress.port
            }
            #expect(isShared)
        }

        @Test(
            "Sockets that both ask for it share an address",
            arguments: [UDPSocket.Options.reuseAddress, .reusePort])
        func reuse(options: UDPSocket.Options) throws {
            let first = try UDPSocket(on: loop, boundTo: loopbackAddress(), options: options)
            let second = try UDPSocket(on: loop, boundTo: first.localAddress, options: options)
            #expect(second.localAddress == first.localAddress)
        }

        @Test("A destination of the other family is an argument that does not fit")
        func familyMismatch() throws {
            let socket = try makeSocket(loop, .v4)
            let error = #expect(throws: NetworkError.self) {
                try socket.send([1].span, to: loopbackAddress(.v6, port: 9))
            }
            #expect(error?.code == .invalidArgument)
        }

        @Test("Link-local scopes go both ways")
        func scopes() throws {
            let addresses = try NetworkInterfaces.addresses().filter { $0.ip.family == .v6 && $0.ip.isLinkLocal }
            // A machine without IPv6 has none; then there is nothing to try.
            guard let local = addresses.first(where: { !$0.isDeprecated })?.ip else { return }
            let socket = try UDPSocket(on: loop, boundTo: TransportAddress(local, port: 0))
            #expect(socket.localAddress.ip == local)
            var source: TransportAddress?
            socket.onDatagram = { _, from in source = from }
            try socket.send([1].span, to: socket.localAddress)
            #expect(loop.run(until: { source != nil }, atMost: patience))
            #expect(source == socket.localAddress)
            #expect(source?.ip.scopeID != 0)
        }

        @Test("Buffer sizes are set and read")
        func bufferSizes() throws {
            let socket = try makeSocket(loop)
            try socket.setSendBufferSize(32768)
            try socket.setReceiveBufferSize(65536)
            #expect([32768, 65536].contains(try socket.sendBufferSize))
            #expect([65536, 131072].contains(try socket.receiveBufferSize))
        }

        @Test("The type of service is set and read", arguments: IPAddress.Family.onLoopback)
        func typeOfService(family: IPAddress.Family) throws {
            let socket = try makeSocket(loop, family)
            #expect(try socket.typeOfService == 0)
            try socket.setTypeOfService(0xb8)
            #expect(try socket.typeOfService == 0xb8)
        }

        @Test("A closed socket refuses everything, and drops its closures")
        func closed() throws {
            let socket = try makeSocket(loop)
            socket.onDatagram = { _, _ in Issue.record("a datagram after close") }
            try socket.send([1].span, to: socket.localAddress)
            socket.close()
            socket.close()
            #expect(socket.isClosed && socket.onDatagram == nil)
            let error = #expect(throws: NetworkError.self) { try socket.send([1].span, to: socket.localAddress) }
            #expect(error?.code == .closed)
            #expect(throws: NetworkError.self) { try socket.sendBufferSize }
            #expect(throws: NetworkError.self) { try socket.setTypeOfService(1) }
            settle(loop)
        }
    }
}

import NetBase
import Testing
import UV

// Groups are joined in network namespaces alone, by Interop/mdns.py: here nothing is to leave for a network that anybody uses.
@Suite struct MulticastTests {
    @Test("Interfaces that know of multicast are among those that are up, and loopback is not")
    func interfaces() throws {
        let all = try NetworkInterfaces.addresses()
        let names = try NetworkInterfaces.multicastInterfaces()
        #expect(!all.contains { $0.ip.isLoopback && names.contains($0.interface) })
    }

    @Test("A socket takes a TTL and the loopback of multicast, of either family, until it is closed")
    func options() throws {
        let loop = try EventLoop()
        for family in [IPAddress.Family.v4, .v6] {
            guard let socket = try? UDPSocket(on: loop, boundTo: TransportAddress(.loopback(family), port: 0)) else {
                continue
            }
            try socket.setTimeToLive(255)
            try socket.setMulticastLoopback(false)
            try socket.setMulticastLoopback(true)
            socket.close()
            #expect(throws: NetworkError.self) { try socket.setTimeToLive(1) }
            let lo = InterfaceAddress(interface: "lo", index: 1, ip: .loopback(family), prefixLength: 8)
            #expect(throws: NetworkError.self) { try socket.join(.any(family), on: lo) }
        }
        loop.close()
    }

    @Test("What is no group can't be joined")
    func noGroup() throws {
        let loop = try EventLoop()
        let socket = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
        let lo = InterfaceAddress(interface: "lo", index: 1, ip: .loopback(.v4), prefixLength: 8)
        #expect(throws: NetworkError.self) { try socket.join(.loopback(.v4), on: lo) }
        loop.close()
    }
}

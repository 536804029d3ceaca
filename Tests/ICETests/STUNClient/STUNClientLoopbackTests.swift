import ICE
import NetBase
import STUN
import Testing

@Suite("STUNClient on libuv")
struct STUNClientLoopbackTests {
    /// A machine may be without IPv6.
    static var families: [IPAddress.Family] {
        let addresses = (try? NetworkInterfaces.addresses()) ?? []
        return [.v4] + (addresses.contains { $0.ip == .loopback(.v6) } ? [.v6] : [])
    }

    @Test("It learns its address from a server on loopback", arguments: families)
    func loopback(family: IPAddress.Family) throws {
        let loop = try EventLoop()
        let server = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(family), port: 0))
        let core = STUNServerCore()
        server.onDatagram = { [unowned server] bytes, source in
            guard let response = core.respond(to: bytes, from: source) else { return }
            try? server.send(response.bytes.span, to: source)
        }
        let port = server.localAddress.port
        let configuration = STUNClientConfiguration(host: "\(IPAddress.loopback(family))", port: port)
        let client = try STUNClient(loop: loop, configuration: configuration)
        var addresses: [TransportAddress] = []
        client.onResponse = { addresses.append($0.reflexiveAddress) }
        client.sendRequest()
        client.sendRequest()
        #expect(loop.run(until: { addresses.count == 2 }, atMost: .seconds(10)))
        #expect(addresses.allSatisfy { $0.ip == .loopback(family) && $0.port != 0 })
        client.close()
        server.close()
        loop.close()
    }
}

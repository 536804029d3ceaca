import ICETesting
import NetBase
import STUN
import Testing

@Suite("The examples in the documentation")
struct ExampleTests {
    @Test("The network's example gets its answer over a lossy link, or none, as the seed decides")
    func network() throws {
        let network = SimulatedNetwork(seed: 7)
        let home = network.makeNAT("home", external: ["203.0.113.5"], behavior: .portRestricted)
        let alice = network.makeHost("alice", addresses: ["192.168.1.2"], behind: home)
        let server = network.makeHost("server", addresses: ["192.0.2.10"])
        alice.link.setConditions(LinkConditions(delay: .milliseconds(20), loss: 0.05))

        let echo = try server.bind("192.0.2.10:7")
        echo.onDatagram = { [weak echo] bytes, source in try? echo?.send(bytes, to: source) }
        let socket = try alice.bind("192.168.1.2:0")
        var answers = 0
        socket.onDatagram = { _, _ in answers += 1 }
        try socket.send([1, 2, 3], to: "192.0.2.10:7")
        #expect(network.run(until: { answers > 0 }, atMost: .seconds(1)))
        #expect(network.now == Instant(nanoseconds: 40_000_000))
    }

    @Test("A host that changes networks in the middle of a call is heard from its new address")
    func handover() throws {
        let network = SimulatedNetwork(seed: 7)
        let cafe = network.makeNAT("cafe", external: ["203.0.113.5"])
        let phone = network.makeHost("phone", addresses: ["198.51.100.2"])
        let wlan = phone.addInterface("wlan0", addresses: ["10.0.0.7"], behind: cafe)
        let server = try Probe(network.makeHost("server", addresses: ["192.0.2.10"]), "192.0.2.10:7")
        let socket = try Probe(phone, "0.0.0.0:5000")
        network.schedule(after: .seconds(5)) { phone.interface.isUp = false }
        for _ in 0..<2 {
            try socket.send(to: server.address)
            network.run(for: .seconds(6))
        }
        #expect(server.sources == ["198.51.100.2:5000", "203.0.113.5:5000"])
        wlan.isUp = false
        #expect(throws: NetworkError.self) { try socket.send(to: server.address) }
    }

    @Test("A client of the TURN server is refused a permission once, and finds everything gone after the restart")
    func turnServer() throws {
        let network = SimulatedNetwork(seed: 7)
        let host = network.makeHost("turn", addresses: ["192.0.2.10", "2001:db8::10"])
        let server = try SimulatedTURNServer(on: host, users: ["alice": "secret"])
        server.settings.nonceLifetime = .seconds(60)
        server.fail(.createPermission, with: .forbidden)
        network.schedule(after: .seconds(90)) { server.restart() }

        let laptop = network.makeHost("laptop", addresses: ["192.0.2.11"])
        let client = try HandmadeTURNClient(network, udp: laptop, "192.0.2.11:5000", to: "192.0.2.10:3478")
        try client.allocate()
        let peer = STUNMessage.XORPeerAddress("192.0.2.12:1")
        #expect(try client.request(.createPermission, peer).code == 403)
        #expect(try client.request(.createPermission, peer).code == nil)
        network.run(for: .seconds(100))
        #expect(try client.request(.refresh).code == 437)
    }
}

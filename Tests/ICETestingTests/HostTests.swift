import ICETesting
import NetBase
import Testing

private func code(_ work: () throws(NetworkError) -> Void) -> NetworkError.Code? {
    do throws(NetworkError) {
        try work()
        return nil
    } catch {
        return error.code
    }
}

@Suite("Simulated hosts have sockets as real ones do")
struct HostTests {
    let network = SimulatedNetwork(seed: 1)
    let a: SimulatedHost
    let b: SimulatedHost

    init() {
        a = network.makeHost("a", addresses: ["192.0.2.1", "2001:db8::1", "fe80::1"])
        b = network.makeHost("b", addresses: ["192.0.2.2", "2001:db8::2", "fe80::2"])
    }

    func settle() { network.run(for: .milliseconds(1)) }

    @Test("Port 0 takes an ephemeral port, another one each time, until none is left")
    func ephemeralPorts() throws {
        a.ephemeralPorts = 50_000...50_003
        let ports = try (0..<4).map { _ in try a.bind("192.0.2.1:0").localAddress.port }
        #expect(ports.sorted() == [50_000, 50_001, 50_002, 50_003])
        #expect(code { () throws(NetworkError) in _ = try a.bind("192.0.2.1:0") } == .addressInUse)
    }

    @Test(
        "An address is in use for itself and for any address of its family",
        arguments: [
            ("192.0.2.1:5000", "192.0.2.1:5000", true), ("192.0.2.1:5000", "0.0.0.0:5000", true),
            ("0.0.0.0:5000", "127.0.0.1:5000", true), ("192.0.2.1:5000", "192.0.2.1:5001", false),
            ("192.0.2.1:5000", "127.0.0.1:5000", false), ("0.0.0.0:5000", "[::]:5000", false),
        ] as [(TransportAddress, TransportAddress, Bool)])
    func addressInUse(_ first: TransportAddress, _ second: TransportAddress, _ conflicts: Bool) throws {
        let socket = try a.bind(first)
        #expect(code { () throws(NetworkError) in _ = try a.bind(second) } == (conflicts ? .addressInUse : nil))
        socket.close()
        _ = try a.bind(first)
    }

    @Test("An address of another host cannot be bound")
    func addressNotAvailable() {
        #expect(code { () throws(NetworkError) in _ = try a.bind("192.0.2.2:5000") } == .addressNotAvailable)
    }

    @Test("A datagram arrives on a later turn, and carries the address that the route gives to an unbound socket")
    func wildcard() throws {
        let sender = try Probe(a, "0.0.0.0:5000")
        let receiver = try Probe(b, "0.0.0.0:6000")
        try sender.send(to: "192.0.2.2:6000")
        #expect(receiver.received.isEmpty)
        settle()
        #expect(receiver.sources == ["192.0.2.1:5000"])
        #expect(network.counters.description == "sent 1, delivered 1")
    }

    @Test("Loopback stays inside the host", arguments: ["127.0.0.1:6000", "[::1]:6000"] as [TransportAddress])
    func loopback(_ address: TransportAddress) throws {
        a.link.isCut = true
        let here = try Probe(a, address)
        let there = try Probe(b, address)
        let sender = try Probe(a, TransportAddress(address.ip, port: 0))
        try sender.send(to: address)
        settle()
        #expect(here.sources == [sender.address])
        #expect(there.received.isEmpty)
    }

    @Test("Link-local addresses carry the index of the receiver's interface")
    func linkLocal() throws {
        let wlan = b.addInterface("wlan0", addresses: ["fe80::3"])
        let sender = try Probe(a, "[fe80::1]:5000")
        let receiver = try Probe(b, TransportAddress(wlan.addresses[0].ip, port: 6000))
        #expect(sender.address == "[fe80::1%2]:5000")
        try sender.send(to: "[fe80::3%2]:6000")
        settle()
        #expect(receiver.sources == ["[fe80::1%3]:5000"])
    }

    @Test("Sending fails where it must, and says why")
    func sendErrors() throws {
        let v4 = try Probe(a, "192.0.2.1:5000")
        let v6 = try Probe(a, "[::]:5000")
        let big = Array(repeating: UInt8(0), count: 65_508)
        #expect(code { () throws(NetworkError) in try v4.send(big, to: "192.0.2.2:1") } == .messageTooLarge)
        #expect(code { () throws(NetworkError) in try v4.send(to: "192.0.2.2:0") } == .invalidArgument)
        #expect(code { () throws(NetworkError) in try v4.send(to: "[2001:db8::2]:1") } == .invalidArgument)
        a.interface.sendFault = .wouldBlock
        #expect(code { () throws(NetworkError) in try v4.send(to: "192.0.2.2:1") } == .wouldBlock)
        a.interface.sendFault = nil
        a.interface.routedFamilies = [.v4]
        #expect(code { () throws(NetworkError) in try v6.send(to: "[2001:db8:9::2]:1") } == .networkUnreachable)
        #expect(code { () throws(NetworkError) in try v6.send(to: "[2001:db8::2]:1") } == nil, "it is on the link")
        a.interface.isUp = false
        #expect(code { () throws(NetworkError) in try v4.send(to: "192.0.2.2:1") } == .networkUnreachable)
        a.interface.isUp = true
        a.interface.removeAddress("192.0.2.1")
        #expect(code { () throws(NetworkError) in try v4.send(to: "192.0.2.2:1") } == .addressNotAvailable)
        v4.socket.close()
        #expect(code { () throws(NetworkError) in try v4.send(to: "192.0.2.2:1") } == .closed)
    }

    @Test("A host without an address of a family has no way there")
    func missingFamily() throws {
        let old = network.makeHost("old", addresses: ["192.0.2.3"])
        let socket = try Probe(old, "[::]:5000")
        #expect(code { () throws(NetworkError) in try socket.send(to: "[2001:db8::2]:1") } == .networkUnreachable)
    }

    @Test("A closed port answers with an ICMP error unless the host keeps quiet", arguments: [true, false])
    func closedPort(_ answers: Bool) throws {
        b.answersClosedPorts = answers
        let sender = try Probe(a, "192.0.2.1:5000")
        try sender.send(to: "192.0.2.2:6000")
        settle()
        #expect(sender.unreachable.map(\.destination) == (answers ? ["192.0.2.2:6000"] : []))
        #expect(sender.unreachable.allSatisfy { $0.code == .connectionRefused })
        #expect(network.counters[.noListener] == 1)
    }

    @Test("An unknown address is silent unless the network reports it", arguments: [true, false])
    func unknownAddress(_ reports: Bool) throws {
        network.reportsUnknownAddresses = reports
        let sender = try Probe(a, "192.0.2.1:5000")
        try sender.send(to: "192.0.2.77:6000")
        settle()
        #expect(sender.unreachable.map(\.code) == (reports ? [.hostUnreachable] : []))
    }

    @Test("ICMP errors find their way through NATs on either side")
    func icmpThroughNATs() throws {
        let near = network.makeNAT("near", external: ["203.0.113.1"], behavior: .symmetric)
        let far = network.makeNAT("far", external: ["203.0.113.2"], behavior: .fullCone)
        let sender = try Probe(network.makeHost("c", addresses: ["10.0.0.2"], behind: near), "10.0.0.2:5000")
        let inner = try Probe(network.makeHost("d", addresses: ["10.0.0.2"], behind: far), "10.0.0.2:5000")
        try inner.send(to: "192.0.2.2:6000")
        settle()
        let external = try #require(far.mappings.first?.external)
        inner.socket.close()
        try sender.send(to: external)
        settle()
        #expect(sender.unreachable.map(\.destination) == [external])
    }

    @Test("Interfaces are listed with loopback first, those that are down left out")
    func interfaces() {
        let wlan = a.addInterface("wlan0", addresses: ["10.0.0.7"])
        #expect(
            a.interfaceAddresses().map { "\($0.interface) \($0.index) \($0.ip)/\($0.prefixLength)" } == [
                "lo 1 127.0.0.1/8", "lo 1 ::1/128", "eth0 2 192.0.2.1/24", "eth0 2 2001:db8::1/64",
                "eth0 2 fe80::1%2/64", "wlan0 3 10.0.0.7/24",
            ])
        wlan.isUp = false
        a.interface.removeAddress("fe80::1")
        a.interface.addAddress("2001:db8::99", isTemporary: true)
        #expect(a.interfaceAddresses().dropFirst(2).map(\.ip) == ["192.0.2.1", "2001:db8::1", "2001:db8::99"])
        #expect(a.interfaceAddresses().last?.isTemporary == true)
    }

    @Test("A socket that is bound to an interface's address sends through that interface")
    func strongHost() throws {
        let nat = network.makeNAT("nat", external: ["203.0.113.1"])
        a.addInterface("wlan0", addresses: ["10.0.0.7"], behind: nat)
        let receiver = try Probe(b, "192.0.2.2:6000")
        try Probe(a, "10.0.0.7:5000").send(to: receiver.address)
        try Probe(a, "192.0.2.1:5000").send(to: receiver.address)
        settle()
        #expect(Set(receiver.sources) == ["203.0.113.1:5000", "192.0.2.1:5000"])
    }
}

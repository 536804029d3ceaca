import ICETesting
import NetBase
import Testing

/// Two hosts on the Internet, of which the first sends numbered datagrams to the second.
private struct Pipe {
    let network: SimulatedNetwork
    let a: SimulatedHost
    let b: SimulatedHost
    let source: Probe
    let sink: Probe

    init(seed: UInt64 = 1) throws {
        network = SimulatedNetwork(seed: seed)
        a = network.makeHost("a", addresses: ["192.0.2.1"])
        b = network.makeHost("b", addresses: ["192.0.2.2"])
        source = try Probe(a, "192.0.2.1:1000")
        sink = try Probe(b, "192.0.2.2:1000")
    }

    func send(_ count: Int, every pause: Duration = .milliseconds(1)) throws {
        for number in 0..<count {
            try source.send([UInt8(number >> 8), UInt8(number & 0xff)], to: sink.address)
            network.run(for: pause)
        }
        network.run(for: .seconds(1))
    }

    var numbers: [Int] { sink.payloads.map { Int($0[0]) << 8 | Int($0[1]) } }
}

@Suite("Links impair what they carry")
struct LinkTests {
    @Test("A datagram takes the delays of both links, exactly")
    func delay() throws {
        let pipe = try Pipe()
        pipe.a.link.outgoing.delay = .milliseconds(30)
        pipe.b.link.incoming.delay = .milliseconds(12)
        try pipe.source.send(to: pipe.sink.address)
        pipe.network.run(until: { !pipe.sink.received.isEmpty }, atMost: .seconds(1))
        #expect(pipe.network.now == Instant(nanoseconds: 42_000_000))
    }

    @Test("Loss comes close to its rate in the direction it is set for", arguments: [0.02, 0.3, 0.8])
    func loss(_ rate: Double) throws {
        let pipe = try Pipe()
        pipe.a.link.outgoing.loss = rate
        pipe.a.link.incoming.loss = 1
        try pipe.send(4000)
        let lost = Double(4000 - pipe.sink.received.count) / 4000
        #expect(abs(lost - rate) < 0.025)
        #expect(pipe.network.counters[.lost] == 4000 - pipe.sink.received.count)
        #expect(pipe.numbers == pipe.numbers.sorted())
    }

    @Test("Jitter spreads arrivals and keeps the order")
    func jitter() throws {
        let pipe = try Pipe()
        pipe.network.isTracing = true
        pipe.a.link.outgoing = LinkConditions(delay: .milliseconds(5), jitter: .milliseconds(40))
        try pipe.send(200)
        #expect(pipe.numbers == Array(0..<200))
        let arrivals = pipe.network.trace.filter { $0.event == .delivered }.map(\.instant)
        let transits = zip(arrivals, 0...).map { $0 - Instant(nanoseconds: Int64($1) * 1_000_000) }
        #expect(transits.allSatisfy { .milliseconds(5)...(.milliseconds(45)) ~= $0 })
        #expect(Set(transits).count > 20)
    }

    @Test("Reordering lets later datagrams overtake, and loses none")
    func reordering() throws {
        let pipe = try Pipe()
        pipe.a.link.outgoing = LinkConditions(reordering: 0.2, reorderingDelay: .milliseconds(3))
        try pipe.send(500)
        #expect(pipe.numbers != Array(0..<500))
        #expect(pipe.numbers.sorted() == Array(0..<500))
    }

    @Test("Duplication delivers some datagrams twice")
    func duplication() throws {
        let pipe = try Pipe()
        pipe.b.link.incoming.duplication = 0.25
        try pipe.send(1000)
        let extra = pipe.sink.received.count - 1000
        #expect(200...300 ~= extra)
        #expect(pipe.network.counters[.duplicated] == extra)
        #expect(Set(pipe.numbers).count == 1000)
    }

    @Test("A narrow link spreads datagrams in time and drops what its queue does not hold")
    func bandwidth() throws {
        let pipe = try Pipe()
        // 30 bytes (28 of headers) at 24,000 bits a second take 10 ms.
        pipe.a.link.outgoing = LinkConditions(bandwidth: 24_000, queueLimit: 95)
        for number in 0..<10 { try pipe.source.send([0, UInt8(number)], to: pipe.sink.address) }
        pipe.network.run(for: .milliseconds(25))
        #expect(pipe.numbers == [0, 1])
        pipe.network.run(for: .seconds(1))
        #expect(pipe.numbers == [0, 1, 2, 3])
        #expect(pipe.network.counters[.overflowed] == 6)
    }

    @Test("A datagram above the MTU vanishes", arguments: [(1472, true), (1473, false)])
    func mtu(_ count: Int, _ passes: Bool) throws {
        let pipe = try Pipe()
        pipe.b.link.incoming.mtu = 1500
        try pipe.source.send(Array(repeating: 0, count: count), to: pipe.sink.address)
        pipe.network.run(for: .seconds(1))
        #expect(pipe.sink.received.isEmpty != passes)
        #expect(pipe.network.counters[.tooLarge] == (passes ? 0 : 1))
    }

    @Test("A cut link swallows silently, and works again when it is mended")
    func cut() throws {
        let pipe = try Pipe()
        pipe.b.link.isCut = true
        try pipe.send(3)
        #expect(pipe.network.counters[.cut] == 3)
        pipe.b.link.isCut = false
        try pipe.send(2)
        #expect(pipe.sink.received.count == 2)
    }

    @Test("An interceptor drops, changes and holds datagrams")
    func interception() throws {
        let pipe = try Pipe()
        pipe.network.interceptor = { packet in
            switch packet.bytes[1] {
            case 0: .drop
            case 1: .replace([0, 100])
            case 2: .delay(.milliseconds(10))
            default: .pass
            }
        }
        try pipe.send(4)
        #expect(pipe.numbers == [100, 3, 2])
        #expect(pipe.a.counters[.intercepted] == 1)
    }

    @Test("A datagram may be injected under a false sender's name")
    func injection() throws {
        let pipe = try Pipe()
        pipe.network.inject([9, 9], from: "198.51.100.7:7", to: pipe.sink.address)
        pipe.network.run(for: .milliseconds(1))
        #expect(pipe.sink.sources == ["198.51.100.7:7"])
    }
}

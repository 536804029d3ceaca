import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Data in batches")
struct DataBatchTests {
    private let network = SimulatedNetwork(seed: 17)
    private let call: SimulatedCall
    private let peer: TransportAddress

    init() throws {
        let network = network
        let hosts = ["192.0.2.1", "192.0.2.2"].map { (ip: IPAddress) in network.makeHost("host\(ip)", addresses: [ip]) }
        call = SimulatedCall(network, hosts[0], hosts[1])
        #expect(call.connect())
        network.run(for: .seconds(5))
        peer = try #require(call.caller.selectedPair()?.remote.address)
    }

    /// What a socket hands over.
    private func arrive(_ datagrams: [[UInt8]], from source: TransportAddress? = nil) {
        let socket = call.caller.sockets[0]
        let bytes = datagrams.flatMap { $0 }
        call.caller.receive(
            DatagramBatch(bytes.span, datagramSize: datagrams[0].count), from: source ?? peer, on: socket)
    }

    /// A Binding indication, which is 20 bytes long.
    private let stun: [UInt8] = [0, 0x11, 0, 0, 0x21, 0x12, 0xa4, 0x42] + Array(repeating: 7, count: 12)
    private let data = Array("twenty bytes of data".utf8)

    @Test("A batch is handed over whole, and each datagram to whoever wants one at a time")
    func whole() {
        var batches: [[String]] = []
        call.caller.onDataBatch = { batch, path in
            #expect(path == .first && batch.trafficClass == nil)
            var texts: [String] = []
            for index in 0..<batch.count { texts.append(text(batch[index])) }
            batches.append(texts)
        }
        let before = call.caller.statistics()
        arrive([[1, 1], [2, 2], [3]].map { $0.map { $0 + 0x60 } })
        #expect(batches == [["aa", "bb", "c"]])
        #expect(call.received[0] == ["aa", "bb", "c"])
        let after = call.caller.statistics()
        #expect(after.packetsReceived == before.packetsReceived + 3)
        #expect(after.bytesReceived == before.bytesReceived + 5)
        #expect(after.candidatePairs.first { $0.packetsReceived >= 3 } != nil)
        call.caller.onData = nil
        arrive([[0x64]])
        #expect(batches.last == ["d"] && call.received[0].count == 3)
        call.close()
    }

    @Test("STUN among the data is taken out, wherever it is", arguments: [[0], [1], [2], [0, 1, 2], [0, 2]])
    func mixed(_ places: [Int]) {
        var counts: [Int] = []
        call.caller.onDataBatch = { batch, _ in counts.append(batch.count) }
        let datagrams = (0..<3).map { places.contains($0) ? stun : data }
        arrive(datagrams)
        #expect(counts.reduce(0, +) == 3 - places.count)
        #expect(call.received[0] == Array(repeating: "twenty bytes of data", count: 3 - places.count))
        call.close()
    }

    @Test("What a stranger sends is dropped and counted, one for each datagram")
    func stranger() {
        call.caller.onDataBatch = { _, _ in Issue.record("a stranger's data") }
        let before = call.caller.statistics().foreignDatagrams
        arrive([data, data, data], from: TransportAddress(peer.ip, port: peer.port ^ 1))
        #expect(call.caller.statistics().foreignDatagrams == before + 3)
        #expect(call.received[0].isEmpty)
        call.close()
    }

    @Test("Nothing is delivered once a closure has closed the client", arguments: [false, true])
    func closing(byBatch: Bool) {
        var single = 0
        call.caller.onDataBatch = { [call] _, _ in if byBatch { call.caller.close() } }
        call.caller.onData = { [call] _, _ in
            single += 1
            if single == 2 { call.caller.close() }
        }
        arrive([data, data, data, data])
        #expect(single == (byBatch ? 0 : 2))
        #expect(call.caller.onDataBatch == nil)
    }
}

private func text(_ bytes: Span<UInt8>) -> String {
    String(decoding: [UInt8](copying: bytes), as: UTF8.self)
}

@Suite("Batches between two clients on one libuv loop")
struct LoopbackBatchTests {
    @Test("They arrive whole, with their traffic class, and no more is asked of the system than is wanted")
    func batches() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let call = LoopbackCall(on: loop) {
            $0.reportsTrafficClass = true
            $0.differentiatedServicesCodePoint = 46
        }
        call.start()
        #expect(loop.run(until: { call.states == [.completed, .completed] }, atMost: .seconds(10)))
        var (count, classes): (Int, Set<UInt8?>) = (0, [])
        call.b.onDataBatch = { batch, _ in
            count += batch.count
            classes.insert(batch.trafficClass)
        }
        let bytes = [UInt8](repeating: 0x78, count: 5 * 1200 + 1)
        #expect(try call.a.send(bytes.span, inDatagramsOf: 1200) == 6)
        #expect(loop.run(until: { count == 6 }, atMost: .seconds(5)))
        #expect(classes == [46 << 2])
        #expect(call.received[1].map(\.count) == [1200, 1200, 1200, 1200, 1200, 1])
        call.close()
    }

    @Test("The buffers are as large as was asked for, as far as the system grants it")
    func buffers() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let plain = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
        let before = (try plain.receiveBufferSize, try plain.sendBufferSize)
        try plain.growBuffers(receive: nil, send: nil)
        try plain.growBuffers(receive: 1, send: 1)
        #expect(try plain.receiveBufferSize == before.0)
        #expect(try plain.sendBufferSize == before.1)
        try plain.setReceiveBufferSize(8192)
        let small = try plain.receiveBufferSize
        try plain.growBuffers(receive: 65536, send: nil)
        #expect(try plain.receiveBufferSize > small)
    }
}

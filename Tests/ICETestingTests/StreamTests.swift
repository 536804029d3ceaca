import ICETesting
import NetBase
import Testing

/// A stream that remembers what happens to it.
private final class StreamProbe {
    let stream: SimulatedStream
    private(set) var isConnected = false
    private(set) var pieces: [[UInt8]] = []
    private(set) var ending: NetworkError.Code?

    init(_ stream: SimulatedStream) {
        self.stream = stream
        stream.onConnect = { [weak self] in self?.isConnected = true }
        stream.onBytes = { [weak self] in self?.pieces.append([UInt8](copying: $0)) }
        stream.onClose = { [weak self] in self?.ending = $0.code }
    }

    var bytes: [UInt8] { Array(pieces.joined()) }
}

private final class StreamScene {
    let network: SimulatedNetwork
    let client: SimulatedHost
    let server: SimulatedHost
    private(set) var accepted: [StreamProbe] = []

    init(seed: UInt64 = 1, behind behavior: NATBehavior? = nil) throws {
        let network = SimulatedNetwork(seed: seed)
        self.network = network
        let nat = behavior.map { network.makeNAT("nat", external: ["203.0.113.1"], behavior: $0) }
        client = network.makeHost("client", addresses: ["192.168.0.2"], behind: nat)
        server = network.makeHost("server", addresses: ["192.0.2.2"])
        try server.listen(on: "0.0.0.0:80") { [weak self] in self?.accepted.append(StreamProbe($0)) }
    }

    func connect() throws -> StreamProbe { StreamProbe(try client.connect(to: "192.0.2.2:80")) }
}

@Suite("TCP between simulated hosts")
struct StreamTests {
    private static let message = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }

    @Test("Bytes arrive complete, in order and in pieces of their own, over bad links too", arguments: [0.0, 0.3])
    func bytes(_ loss: Double) throws {
        let scene = try StreamScene()
        scene.client.link.setConditions(LinkConditions(delay: .milliseconds(5), jitter: .milliseconds(10), loss: loss))
        let stream = try scene.connect()
        try stream.stream.write(Array(Self.message[..<3]))
        try stream.stream.write(Array(Self.message[3...]))
        #expect(stream.stream.unsentByteCount == Self.message.count)
        #expect(scene.network.run(until: { scene.accepted.first?.bytes == Self.message }, atMost: .seconds(600)))
        #expect(stream.isConnected)
        #expect(stream.stream.unsentByteCount == 0)
        let pieces = try #require(scene.accepted.first).pieces
        #expect(Set(pieces.map(\.count)).count > 2)

        try scene.accepted[0].stream.write([1, 2, 3])
        #expect(scene.network.run(until: { stream.bytes == [1, 2, 3] }, atMost: .seconds(600)))
    }

    @Test("Other seeds cut the bytes in other places")
    func cuts() throws {
        let cuts = try (1...3).map { (seed: UInt64) in
            let scene = try StreamScene(seed: seed)
            try scene.connect().stream.write(Self.message)
            scene.network.run(for: .seconds(1))
            return try #require(scene.accepted.first).pieces.map(\.count)
        }
        #expect(Set(cuts).count == 3)
    }

    @Test("A NAT rewrites the client's end")
    func throughNAT() throws {
        let scene = try StreamScene(behind: .symmetric)
        let stream = try scene.connect()
        try stream.stream.write([1])
        scene.network.run(for: .seconds(1))
        let accepted = try #require(scene.accepted.first)
        #expect(accepted.stream.remoteAddress.ip == "203.0.113.1")
        #expect(stream.stream.localAddress?.ip == "192.168.0.2")
        #expect(accepted.bytes == [1])
    }

    @Test("TCP passes where UDP is blocked")
    func udpBlocked() throws {
        let scene = try StreamScene(behind: .udpBlocked)
        let stream = try scene.connect()
        scene.network.run(for: .seconds(1))
        #expect(stream.isConnected)
    }

    @Test("Closing hands over what was written and ends the peer's stream in order")
    func closing() throws {
        let scene = try StreamScene()
        let stream = try scene.connect()
        scene.network.run(for: .seconds(1))
        try stream.stream.write(Self.message)
        stream.stream.close()
        scene.network.run(for: .seconds(1))
        let accepted = try #require(scene.accepted.first)
        #expect(accepted.bytes == Self.message)
        #expect(accepted.ending == .endOfStream)
        #expect(stream.ending == nil)
        #expect(throws: NetworkError.self) { try accepted.stream.write([1]) }
    }

    @Test("A reset breaks the peer's stream")
    func resetting() throws {
        let scene = try StreamScene()
        let stream = try scene.connect()
        scene.network.run(for: .seconds(1))
        scene.accepted[0].stream.reset()
        scene.network.run(for: .seconds(1))
        #expect(stream.ending == .connectionReset)
    }

    @Test("Writing to a host that was switched off and on again resets the stream")
    func forgottenStream() throws {
        let scene = try StreamScene()
        let stream = try scene.connect()
        scene.network.run(for: .seconds(1))
        scene.server.shutDown()
        scene.server.interface.addAddress("192.0.2.2")
        try stream.stream.write([1])
        scene.network.run(for: .seconds(1))
        #expect(stream.ending == .connectionReset)
    }

    @Test("A port without a listener refuses, a silent host lets the attempt time out", arguments: [true, false])
    func failing(_ answers: Bool) throws {
        let scene = try StreamScene()
        scene.server.answersClosedPorts = answers
        let stream = StreamProbe(try scene.client.connect(to: "192.0.2.2:81"))
        scene.network.run(for: .seconds(74))
        #expect(stream.ending == (answers ? .connectionRefused : nil))
        scene.network.run(for: .seconds(2))
        #expect(stream.ending == (answers ? .connectionRefused : .timedOut))
        #expect(!stream.isConnected)
    }

    @Test("A narrow link holds bytes back at the sender")
    func backpressure() throws {
        let scene = try StreamScene()
        scene.client.link.outgoing.bandwidth = 80_000
        let stream = try scene.connect()
        try stream.stream.write(Self.message)
        scene.network.run(for: .seconds(1))
        #expect(7_000...12_500 ~= stream.stream.unsentByteCount)
        scene.network.run(for: .seconds(3))
        #expect(stream.stream.unsentByteCount == 0)
        #expect(scene.accepted.first?.bytes == Self.message)
    }

    @Test("A listener that was closed accepts no more and leaves its connections alone")
    func closedListener() throws {
        let scene = try StreamScene()
        let listener = try scene.server.listen(on: "192.0.2.2:0") { _ in Issue.record("nobody should get in") }
        let address = listener.localAddress
        listener.close()
        let stream = StreamProbe(try scene.client.connect(to: address))
        scene.network.run(for: .seconds(1))
        #expect(stream.ending == .connectionRefused)
    }

    @Test("Two hosts that connect to each other's ports at once meet in one connection")
    func simultaneousOpen() throws {
        let scene = try StreamScene()
        scene.client.link.setConditions(LinkConditions(delay: .milliseconds(20)))
        let a = StreamProbe(try scene.client.connect(to: "192.0.2.2:5000", from: "192.168.0.2:6000"))
        let b = StreamProbe(try scene.server.connect(to: "192.168.0.2:6000", from: "192.0.2.2:5000"))
        try a.stream.write([1])
        try b.stream.write([2])
        scene.network.run(for: .seconds(1))
        #expect(a.isConnected && b.isConnected)
        #expect(a.bytes == [2] && b.bytes == [1])
        #expect(scene.client.connections.map(\.remoteAddress) == ["192.0.2.2:5000"])
        #expect(scene.server.connections.map(\.remoteAddress) == ["192.168.0.2:6000"])
    }

    @Test("A connection starts from a listener's port only where both share it")
    func sharedPort() throws {
        let scene = try StreamScene()
        for (shares, listenerShares) in [(false, false), (true, false), (false, true)] {
            let listener = try scene.client.listenForStreams(on: "192.168.0.2:6000", sharesPort: listenerShares)
            let error = #expect(throws: NetworkError.self) {
                try scene.client.connectStream(to: "192.0.2.2:80", from: listener.localAddress, sharesPort: shares)
            }
            #expect(error?.code == .addressInUse)
            listener.close()
        }
        let listener = try scene.client.listenForStreams(on: "192.168.0.2:6000", sharesPort: true)
        let stream = try scene.client.connectStream(to: "192.0.2.2:80", from: listener.localAddress, sharesPort: true)
        scene.network.run(for: .seconds(1))
        #expect(stream.localAddress == "192.168.0.2:6000")
        #expect(scene.accepted.first?.stream.remoteAddress == "192.168.0.2:6000")
        let error = #expect(throws: NetworkError.self) {
            try scene.client.connectStream(to: "192.0.2.2:80", from: listener.localAddress, sharesPort: true)
        }
        #expect(error?.code == .addressInUse)
    }

    @Test("A reader that stops holds the writer up, and gets everything when it goes on")
    func slowReader() throws {
        let scene = try StreamScene()
        let stream = try scene.connect()
        scene.network.run(for: .seconds(1))
        let reader = try #require(scene.accepted.first)
        reader.stream.isReading = false
        for _ in 0..<4 {
            try stream.stream.write(Self.message)
            scene.network.run(for: .seconds(1))
        }
        #expect(stream.stream.unsentByteCount == 0)
        try stream.stream.write(Self.message)
        scene.network.run(for: .seconds(60))
        #expect(stream.stream.unsentByteCount == Self.message.count)
        #expect(reader.bytes.isEmpty)

        reader.stream.isReading = true
        scene.network.run(for: .seconds(1))
        #expect(reader.bytes == Array(repeatElement(Self.message, count: 5).joined()))
        #expect(stream.stream.unsentByteCount == 0)
    }

    @Test("A connection that is broken off in the middle is reset at both ends")
    func brokenOff() throws {
        let scene = try StreamScene()
        let stream = try scene.connect()
        scene.network.run(for: .seconds(1))
        stream.stream.breakOff()
        #expect(stream.ending == nil)
        scene.network.run(for: .seconds(1))
        #expect(stream.ending == .connectionReset)
        #expect(scene.accepted.first?.ending == .connectionReset)
        #expect(scene.client.connections.isEmpty && scene.server.connections.isEmpty)
    }

    @Test("A stalled connection says and hears nothing")
    func stalled() throws {
        let scene = try StreamScene()
        let stream = try scene.connect()
        scene.network.run(for: .seconds(1))
        let accepted = try #require(scene.accepted.first)
        stream.stream.isStalled = true
        try stream.stream.write([1])
        try accepted.stream.write([2])
        scene.network.run(for: .seconds(100))
        #expect(stream.bytes.isEmpty && accepted.bytes.isEmpty)
        #expect(stream.ending == nil && accepted.ending == nil)
    }

    @Test("A host may send and read in pieces of at most so many bytes", arguments: [1, 7])
    func pieces(_ limit: Int) throws {
        let scene = try StreamScene()
        scene.client.streamPieceLimit = limit
        scene.server.streamPieceLimit = limit
        let stream = try scene.connect()
        try stream.stream.write(Array(Self.message[..<500]))
        scene.network.run(for: .seconds(1))
        let pieces = try #require(scene.accepted.first).pieces
        #expect(pieces.allSatisfy { $0.count <= limit })
        #expect(Array(pieces.joined()) == Array(Self.message[..<500]))
    }
}

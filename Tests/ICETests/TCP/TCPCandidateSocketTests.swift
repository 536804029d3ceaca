import ICECore
import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("The base of a TCP candidate as a socket")
struct TCPCandidateSocketTests {
    private let scene = TCPScene()

    @Test("E4.1: an active base has port 9, connects from free ports, and gets answers over the same connection")
    func activeToPassive() throws {
        let active = try scene.base(on: scene.a, .active)
        let first = try scene.base(on: scene.b, .passive)
        let second = try scene.base(on: scene.b, .passive)
        #expect(active.address == "192.0.2.1:9")
        #expect(first.address.ip == "192.0.2.2")
        try active.send(check, to: first.address)
        try active.send(check, to: second.address)
        scene.network.run(for: .seconds(1))
        #expect([first.datagrams, second.datagrams] == [[check], [check]])
        let sources = [try #require(first.sources.first), try #require(second.sources.first)]
        #expect(sources.allSatisfy { $0.ip == "192.0.2.1" && $0.port != 9 })

        try first.send(check, to: sources[0])
        scene.network.run(for: .seconds(1))
        #expect(active.datagrams == [check])
        #expect(active.sources == [first.address])
        #expect(scene.a.connections.count == 2)
    }

    @Test("E4.2: what is sent before the connection is up goes out in order when it is")
    func queueing() throws {
        scene.a.link.setConditions(LinkConditions(delay: .milliseconds(50)))
        let active = try scene.base(on: scene.a, .active)
        let passive = try scene.base(on: scene.b, .passive)
        passive.identifiesEverybody()
        for _ in 1...5 { try active.send(check, to: passive.address) }
        #expect(try active.socket.send(contentsOf: [[1], [], [2, 3]], to: passive.address) == 3)
        scene.network.run(for: .seconds(1))
        #expect(passive.datagrams == Array(repeating: check, count: 5) + [[1], [2, 3]])
    }

    @Test("A passive base makes no connection, and says so")
    func passiveSends() throws {
        let passive = try scene.base(on: scene.b, .passive)
        let error = #expect(throws: NetworkError.self) { try passive.send(check, to: "192.0.2.1:5000") }
        #expect(error?.code == .notConnected)
        #expect(scene.b.connections.isEmpty)
    }

    @Test("E4.2: datagrams of all sizes pass through pieces of any size", arguments: [1, 2, 3, 700, nil])
    func pieces(_ limit: Int?) throws {
        let (active, passive) = try scene.connected()
        scene.a.streamPieceLimit = limit
        scene.b.streamPieceLimit = limit
        let sizes = limit == nil ? [1, 1200, 65_535, 2] : [1, 100, 1500, 2]
        let datagrams = sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 3) } }
        for datagram in datagrams { try active.send(datagram, to: passive.address) }
        #expect(scene.network.run(until: { passive.datagrams.count == 4 }, atMost: .seconds(60)))
        #expect(passive.datagrams == datagrams)
    }

    @Test("Datagrams that are handed over together arrive one by one, empty ones not at all")
    func batches() throws {
        let (active, passive) = try scene.connected()
        let datagrams = (0..<200).map { [UInt8](repeating: UInt8($0), count: $0 * 7) }
        #expect(try active.socket.send(contentsOf: datagrams, to: passive.address) == 200)
        scene.network.run(for: .seconds(1))
        #expect(passive.datagrams == datagrams.filter { !$0.isEmpty })

        passive.forgetDatagrams()
        let joined = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 >> 4) }
        #expect(try active.socket.send(joined.span, inDatagramsOf: 1200, to: passive.address) == 9)
        scene.network.run(for: .seconds(1))
        #expect(passive.datagrams.map(\.count) == Array(repeating: 1200, count: 8) + [400])
        #expect(Array(passive.datagrams.joined()) == joined)
    }

    @Test("A datagram that a length of 16 bits can't tell is refused; those in front of it are sent")
    func tooLong() throws {
        let (active, passive) = try scene.connected()
        let long = [UInt8](repeating: 0, count: 65_536)
        let error = #expect(throws: NetworkError.self) { try active.send(long, to: passive.address) }
        #expect(error?.code == .messageTooLarge)
        #expect(throws: NetworkError.self) { try active.socket.send(contentsOf: [long, [1]], to: passive.address) }
        #expect(throws: NetworkError.self) {
            try active.socket.send(long.span, inDatagramsOf: 65_536, to: passive.address)
        }
        #expect(try active.socket.send(contentsOf: [[1], long, [2]], to: passive.address) == 1)
        scene.network.run(for: .seconds(1))
        #expect(passive.datagrams == [[1]])
    }

    @Test("E4.2: a connection that nobody takes, or nobody answers, is told", arguments: [true, false])
    func connectFails(_ answers: Bool) throws {
        scene.b.answersClosedPorts = answers
        let active = try scene.base(on: scene.a, .active)
        try active.send(check, to: "192.0.2.2:5000")
        scene.network.run(for: .milliseconds(9900))
        #expect(active.endings.map(\.code) == (answers ? [.connectionRefused] : []))
        scene.network.run(for: .seconds(1))
        #expect(active.endings.map(\.code) == [answers ? .connectionRefused : .timedOut])
        #expect(active.endings.map(\.wasConnected) == [false])
        #expect(active.endings.map(\.remote) == ["192.0.2.2:5000"])
        #expect(scene.a.connections.isEmpty)
    }

    @Test("What the system knows at once is thrown, and nothing else is told")
    func noRoute() throws {
        let active = try scene.base(on: scene.a, .active)
        scene.a.interface.removeAddress("192.0.2.1")
        #expect(throws: NetworkError.self) { try active.send(check, to: "192.0.2.2:5000") }
        scene.network.run(for: .seconds(1))
        #expect(active.endings.isEmpty)
    }

    @Test("E4.3: a connection that breaks is told at both ends, and the active side's next datagram opens another")
    func reopening() throws {
        let (active, passive) = try scene.connected()
        let port = passive.sources[0].port
        try #require(scene.a.connections.first).breakOff()
        scene.network.run(for: .seconds(1))
        #expect(active.endings.map(\.code) == [.connectionReset])
        #expect(active.endings.map(\.wasConnected) == [true])
        #expect(passive.endings.map(\.code) == [.connectionReset])
        #expect(passive.endings.first?.remote == passive.sources[0])

        try active.send(check, to: passive.address)
        scene.network.run(for: .seconds(1))
        #expect(passive.datagrams == [check])
        #expect(passive.sources.last?.port != port)
    }

    @Test("Disconnecting one connection leaves the others, and is told to the peer alone")
    func disconnecting() throws {
        let (active, passive) = try scene.connected()
        let other = try scene.base(on: scene.b, .passive)
        try active.send(check, to: other.address)
        scene.network.run(for: .seconds(1))
        active.socket.disconnect(passive.address)
        active.socket.disconnect("192.0.2.99:1")
        scene.network.run(for: .seconds(1))
        #expect(active.endings.isEmpty)
        #expect(passive.endings.map(\.code) == [.endOfStream])
        #expect(scene.a.connections.map(\.remoteAddress) == [other.address])
    }

    @Test("Closing ends everything and tells nothing; what is sent afterwards is refused")
    func closing() throws {
        let (active, passive) = try scene.connected()
        passive.socket.close()
        scene.network.run(for: .seconds(1))
        #expect(passive.endings.isEmpty)
        #expect(active.endings.map(\.code) == [.endOfStream])
        #expect(scene.b.connections.isEmpty)
        #expect(throws: NetworkError.self) { try passive.send(check, to: passive.sources[0]) }
        try active.send(check, to: passive.address)
        scene.network.run(for: .seconds(1))
        #expect(active.endings.map(\.code) == [.endOfStream, .connectionRefused])
    }

    @Test("A base may be closed from inside what it tells")
    func closingInside() throws {
        let (active, passive) = try scene.connected()
        passive.onDatagram = { [weak passive] _ in passive?.socket.close() }
        #expect(try active.socket.send(contentsOf: [[1], [2], [3]], to: passive.address) == 3)
        scene.network.run(for: .seconds(1))
        #expect(passive.datagrams == [[1]])
    }

    @Test("It listens on a port of the range that it was given, or says why it can't")
    func portRange() throws {
        let first = try scene.base(on: scene.b, .passive, ports: 5000...5001)
        let second = try scene.base(on: scene.b, .simultaneousOpen, ports: 5000...5001)
        #expect(Set([first.address.port, second.address.port]) == [5000, 5001])
        let error = #expect(throws: NetworkError.self) { try scene.base(on: scene.b, .passive, ports: 5000...5001) }
        #expect(error?.code == .addressInUse)
    }

    @Test("A base that is let go of frees its connections and its port")
    func lifetime() throws {
        weak var gone: TCPCandidateSocket?
        try {
            let (active, passive) = try scene.connected()
            gone = passive.socket
            withExtendedLifetime(active) {}
        }()
        #expect(gone == nil)
        scene.network.run(for: .seconds(1))
        #expect(scene.b.connections.isEmpty)
        #expect(scene.a.connections.isEmpty)
    }

    @Test("A write that fails ends the connection, which is told on a later turn")
    func writeFails() throws {
        let passive = try scene.base(on: scene.b, .passive)
        let stream = BreakingStream("192.0.2.1:6000")
        passive.socket.accept(stream)
        stream.onBytes?(framed(check).span)
        let error = #expect(throws: NetworkError.self) { try passive.send(check, to: stream.remoteAddress) }
        #expect(error?.code == .connectionReset)
        #expect(stream.isClosed)
        #expect(passive.endings.isEmpty)
        scene.network.run(for: .seconds(1))
        #expect(passive.endings.map(\.code) == [.connectionReset])
    }

    @Test("A second connection from one address shows that the first is gone")
    func replaced() throws {
        let passive = try scene.base(on: scene.b, .passive)
        let (old, new) = (BreakingStream("192.0.2.1:6000"), BreakingStream("192.0.2.1:6000"))
        passive.socket.accept(old)
        old.onBytes?(framed(check).span)
        passive.socket.accept(new)
        #expect(old.isClosed && !new.isClosed)
        #expect(passive.endings.map(\.code) == [.connectionReset])
        new.onBytes?(framed(check).span)
        #expect(passive.datagrams == [check, check])
    }
}

/// A connection that is broken as soon as somebody writes.
private final class BreakingStream: ByteStream {
    let remoteAddress: TransportAddress
    let localAddress: TransportAddress? = nil
    let unsentByteCount = 0
    var onConnect: (() -> Void)?
    var onBytes: ((Span<UInt8>) -> Void)?
    var onClose: ((NetworkError) -> Void)?
    var onWritable: (() -> Void)?
    private(set) var isClosed = false

    init(_ remote: TransportAddress) { remoteAddress = remote }

    func write(_ bytes: [UInt8]) throws(NetworkError) {
        throw NetworkError(.connectionReset, name: "EPIPE", operation: "write to \(remoteAddress)")
    }

    func close() {
        isClosed = true
        (onConnect, onBytes, onClose, onWritable) = (nil, nil, nil, nil)
    }

    func reset() { close() }
}

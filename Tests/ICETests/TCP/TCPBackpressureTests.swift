import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

@Suite("Back-pressure on the connections of TCP candidates")
struct TCPBackpressureTests {
    private let scene = TCPScene()

    private func datagram(_ number: Int) -> [UInt8] {
        [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] + [UInt8](repeating: 7, count: 1000)
    }

    /// Sends until it is refused; how many were taken.
    private func fill(_ base: TCPBase, to destination: TransportAddress) -> (taken: Int, error: NetworkError.Code?) {
        for number in 0..<10_000 {
            do throws(NetworkError) {
                try base.send(datagram(number), to: destination)
            } catch {
                return (number, error.code)
            }
        }
        return (10_000, nil)
    }

    @Test("A reader that stops makes the writer refuse at the limit, and what was taken arrives whole when it goes on")
    func slowReader() throws {
        let (active, passive) = try scene.connected()
        let reader = try #require(scene.b.connections.first)
        reader.isReading = false
        // What the window and the way take, first.
        for number in 0..<100 { try active.send(datagram(number), to: passive.address) }
        scene.network.run(for: .seconds(1))
        let (taken, error) = fill(active, to: passive.address)
        #expect(error == .wouldBlock)
        #expect(taken == (256 << 10) / 1004 + 1)
        scene.network.run(for: .seconds(30))
        #expect(active.writableCount == 0)
        #expect(passive.datagrams.isEmpty)

        reader.isReading = true
        #expect(scene.network.run(until: { passive.datagrams.count == 100 + taken }, atMost: .seconds(10)))
        #expect(active.writableCount == 1)
        #expect(passive.datagrams == (0..<100).map(datagram) + (0..<taken).map(datagram))
        try active.send([1], to: passive.address)
    }

    @Test("What waits for the connection to come up is bounded as well, and room is told when it is up")
    func connecting() throws {
        scene.a.link.setConditions(LinkConditions(delay: .milliseconds(50)))
        var limits = TCPLimits()
        limits.unsentByteCount = 5000
        let active = try scene.base(on: scene.a, .active, limits: limits)
        let passive = try scene.base(on: scene.b, .passive)
        passive.identifiesEverybody()
        try active.send(check, to: passive.address)
        let (taken, error) = fill(active, to: passive.address)
        #expect(error == .wouldBlock)
        #expect(taken == 5)
        #expect(scene.network.run(until: { passive.datagrams.count == 6 }, atMost: .seconds(1)))
        #expect(active.writableCount == 1)
    }

    @Test("Of datagrams that are handed over together those that found room are counted, and only they arrive")
    func batches() throws {
        var limits = TCPLimits()
        limits.unsentByteCount = 100_000
        let (active, passive) = try scene.connected(limits: limits)
        scene.a.link.outgoing.bandwidth = 8_000_000
        let all = (0..<400).map(datagram)
        let taken = try active.socket.send(contentsOf: all, to: passive.address)
        #expect(taken < 400)
        let error = #expect(throws: NetworkError.self) {
            try active.socket.send(contentsOf: all, to: passive.address)
        }
        #expect(error?.code == .wouldBlock)
        #expect(scene.network.run(until: { active.writableCount == 1 }, atMost: .seconds(5)))
        let joined = Array(all.joined())
        let more = try active.socket.send(joined.span, inDatagramsOf: 1002, to: passive.address)
        #expect(more < 400)
        #expect(scene.network.run(until: { passive.datagrams.count == taken + more }, atMost: .seconds(5)))
        #expect(passive.datagrams == Array(all[..<taken] + all[..<more]))
    }

    @Test("One connection that is full leaves the others alone")
    func others() throws {
        let (active, passive) = try scene.connected()
        try #require(scene.b.connections.first).isReading = false
        for number in 0..<100 { try active.send(datagram(number), to: passive.address) }
        scene.network.run(for: .seconds(1))
        #expect(fill(active, to: passive.address).error == .wouldBlock)
        let other = try scene.base(on: scene.b, .passive)
        try active.send(check, to: other.address)
        scene.network.run(for: .seconds(1))
        #expect(other.datagrams == [check])
    }

    @Test("A stalled connection holds what it took and no more, until the peer is given up")
    func stalled() throws {
        let (active, passive) = try scene.connected()
        try #require(scene.a.connections.first).isStalled = true
        try active.send([1], to: passive.address)
        scene.network.run(for: .seconds(60))
        #expect(passive.datagrams.isEmpty)
        #expect(active.endings.isEmpty)
        active.socket.disconnect(passive.address)
        #expect(scene.a.connections.isEmpty)
    }

    @Test("On a slow line STUN messages go ahead of the data that waits, between two frames")
    func urgent() throws {
        let (active, passive) = try scene.connected()
        // 70 kbit/s, so that what may wait needs half a minute.
        scene.a.link.outgoing.bandwidth = 70_000
        let (taken, error) = fill(active, to: passive.address)
        #expect(error == .wouldBlock && taken > 250)
        scene.network.run(for: .seconds(1))
        let other = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 3, low: 4)).bytes
        try active.send(check, to: passive.address)
        try active.send(other, to: passive.address)
        // Data of one piece is ahead, 7.5 s of it.
        scene.network.run(for: .seconds(8))
        let place = try #require(passive.datagrams.firstIndex(of: check))
        #expect(passive.datagrams[..<place] == (0..<place).map(datagram)[...])
        #expect(passive.datagrams.dropFirst(place + 1).first == other)
        #expect(scene.network.run(until: { passive.datagrams.count == taken + 2 }, atMost: .seconds(40)))
        #expect(passive.datagrams.filter { $0 != check && $0 != other } == (0..<taken).map(datagram))
    }

    @Test("Frames that wait come out in pieces that end where a frame does, whole and in order")
    func pieces() throws {
        var queue = FrameQueue()
        let frames = (0..<60).map { framed([UInt8](repeating: UInt8($0), count: 1 + $0 * 300)) } + [framed([1, 2])]
        let half = frames.count / 2
        for frame in frames[..<half] { queue.append(Array(frame[..<2]), frame.span.extracting(2...), isUrgent: false) }
        queue.append(frames: Array(frames[half...].joined()))
        queue.append([0, 3], [9, 9, 9].span, isUrgent: true)
        #expect(queue.byteCount == frames.joined().count + 5)
        #expect(queue.next() == [0, 3, 9, 9, 9])
        var pieces: [[UInt8]] = []
        while let piece = queue.next() { pieces.append(piece) }
        #expect(pieces.flatMap(\.self) == frames.flatMap(\.self))
        #expect(queue.isEmpty && pieces.allSatisfy { $0.count <= max(FrameQueue.pieceByteCount, frames[59].count) })
        for piece in pieces {
            var offset = 0
            while offset < piece.count { offset += 2 + (Int(piece[offset]) << 8 | Int(piece[offset + 1])) }
            #expect(offset == piece.count)
        }
    }
}

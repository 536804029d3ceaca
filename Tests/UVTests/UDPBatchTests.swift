import NetBase
import Testing

@testable import UV

@Suite("Datagrams in batches")
struct UDPBatchTests {
    private let loop: EventLoop
    private let sender: UDPSocket
    private let receiver: UDPSocket

    init() throws {
        loop = try EventLoop()
        sender = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
        receiver = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
    }

    private func receive(_ count: Int, while body: () throws -> Void) throws -> [[UInt8]] {
        var received: [[UInt8]] = []
        receiver.onDatagram = { bytes, source in
            #expect(source == sender.localAddress)
            received.append([UInt8](copying: bytes))
        }
        try body()
        _ = loop.run(until: { received.count >= count }, atMost: .seconds(5))
        // Nothing comes behind them.
        loop.run(.noWait)
        return received
    }

    @Test(
        "They arrive one by one, in their order, whatever their sizes",
        arguments: [
            [100], [1200, 1200, 1200], [1200, 1200, 700], [700, 1200, 1200], [0, 5, 0, 5, 5], [1, 2, 3, 4, 5],
            Array(repeating: 1200, count: 150), Array(repeating: 9000, count: 20), [60_000, 60_000],
        ])
    func order(sizes: [Int]) throws {
        defer { loop.close() }
        try receiver.setReceiveBufferSize(1 << 22)
        let datagrams = sizes.enumerated().map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $1) }
        // What the receiver's buffer does not hold is lost, as it may be on any system.
        var rest = datagrams[...]
        while !rest.isEmpty {
            let few = Array(rest.prefix(20))
            let received = try receive(few.count) {
                let taken = try sender.send(contentsOf: few, to: receiver.localAddress)
                #expect(taken == few.count)
            }
            #expect(received == few)
            rest = rest.dropFirst(few.count)
        }
    }

    @Test("A buffer is cut into datagrams of one size", arguments: [1, 1200, 5000, 6001])
    func cut(size: Int) throws {
        defer { loop.close() }
        let bytes = (0..<6000).map { UInt8(truncatingIfNeeded: $0 / 1200) }
        let few = Array(bytes.prefix(size * 20))
        let count = (few.count + size - 1) / size
        let received = try receive(count) {
            let taken = try sender.send(few.span, inDatagramsOf: size, to: receiver.localAddress)
            #expect(taken == count)
        }
        #expect(received.count == count && received.flatMap { $0 } == few)
        #expect(received.dropLast().allSatisfy { $0.count == size })
    }

    @Test("Sizes of the other family and closed sockets are refused as for one datagram")
    func refused() throws {
        defer { loop.close() }
        #expect(throws: NetworkError.self) {
            try sender.send(contentsOf: [[1]], to: TransportAddress(.loopback(.v6), port: 9))
        }
        sender.close()
        #expect(throws: NetworkError.self) { try sender.send(contentsOf: [[1]], to: receiver.localAddress) }
        #expect(throws: NetworkError.self) { try sender.send([1].span, inDatagramsOf: 1, to: receiver.localAddress) }
    }

    @Test("A socket that a closure closes in the middle of a batch gets no more")
    func closedWithin() throws {
        defer { loop.close() }
        var count = 0
        receiver.onDatagram = { _, _ in
            count += 1
            if count == 2 { receiver.close() }
        }
        try sender.send(contentsOf: Array(repeating: [7, 7], count: 10), to: receiver.localAddress)
        #expect(loop.run(until: { count == 2 }, atMost: .seconds(5)))
        for _ in 0..<3 { loop.run(.noWait) }
        #expect(count == 2)
    }

    /// Over the loopback interface a send is a delivery, so that the system's buffer never is full: what waits for room is asked for directly.
    @Test("Who waits for room is told once when there is some, and not without having waited")
    func writable() throws {
        defer { loop.close() }
        var told = 0
        sender.onWritable = { told += 1 }
        for _ in 0..<3 { loop.run(.noWait) }
        #expect(told == 0)
        sender.expectRoom()
        #expect(loop.run(until: { told > 0 }, atMost: .seconds(5)))
        for _ in 0..<3 { loop.run(.noWait) }
        #expect(told == 1)
    }

    @Test("Who had some taken, and not what is too large behind them, is told to go on", arguments: [1, 64, 65])
    func tooLarge(count: Int) throws {
        defer { loop.close() }
        var told = 0
        sender.onWritable = { told += 1 }
        let datagrams = Array(repeating: [UInt8](repeating: 7, count: 100), count: count)
        let large = [UInt8](repeating: 7, count: 70_000)
        #expect(try sender.send(contentsOf: datagrams + [large], to: receiver.localAddress) == count)
        #expect(loop.run(until: { told > 0 }, atMost: .seconds(5)))
        let error = #expect(throws: NetworkError.self) {
            try sender.send(contentsOf: [large], to: receiver.localAddress)
        }
        #expect(error?.code == .messageTooLarge && told == 1)
    }

    @Test("Who is closed while it waits for room is told nothing, and keeps no loop alive")
    func closedWhileWaiting() throws {
        var told = 0
        sender.onWritable = { told += 1 }
        sender.expectRoom()
        sender.close()
        receiver.close()
        #expect(!loop.run(.noWait))
        #expect(told == 0 && loop.core.openHandleCount == 0)
        loop.close()
    }
}

import NetBase
import Testing

@testable import UV

@Suite("What is known of arrivals, and what went wrong on the way out")
struct UDPArrivalTests {
    private let loop: EventLoop
    init() throws { loop = try EventLoop() }

    private struct Arrival: Equatable {
        var sizes: [Int] = []
        var source: TransportAddress?
        var localAddress: IPAddress?
        var trafficClass: UInt8?
    }

    private func listen(_ socket: UDPSocket, _ note: @escaping (Arrival) -> Void) {
        socket.onDatagram = { _, _ in Issue.record("told one by one as well") }
        socket.onDatagrams = { batch, source in
            var arrival = Arrival(
                source: source, localAddress: batch.localAddress, trafficClass: batch.trafficClass)
            for index in 0..<batch.count { arrival.sizes.append(batch[index].count) }
            note(arrival)
        }
    }

    @Test("Batches have all that arrives, in its order, and tell no more than was asked for")
    func batches() throws {
        defer { loop.close() }
        let (sender, receiver) = (try makeSocket(loop), try makeSocket(loop))
        var arrivals: [Arrival] = []
        listen(receiver) { arrivals.append($0) }
        let sizes = [1200, 1200, 700, 0, 5, 5]
        try sender.send(contentsOf: sizes.map { [UInt8](repeating: 1, count: $0) }, to: receiver.localAddress)
        #expect(loop.run(until: { arrivals.flatMap(\.sizes).count == sizes.count }, atMost: patience))
        #expect(arrivals.flatMap(\.sizes) == sizes)
        #expect(arrivals.allSatisfy { $0.source == sender.localAddress })
        #expect(arrivals.allSatisfy { $0.localAddress == nil && $0.trafficClass == nil })
    }

    @Test("A socket that a batch's closure closes gets no more")
    func closedWithin() throws {
        defer { loop.close() }
        let (sender, receiver) = (try makeSocket(loop), try makeSocket(loop))
        var count = 0
        receiver.onDatagrams = { _, _ in
            count += 1
            receiver.close()
        }
        // Of different sizes, so that they do not come together.
        try sender.send(contentsOf: [[1], [1, 2], [1, 2, 3]], to: receiver.localAddress)
        #expect(loop.run(until: { count > 0 }, atMost: patience))
        settle(loop)
        #expect(count == 1)
        #expect(receiver.onDatagrams == nil)
        #expect(throws: NetworkError.self) { try receiver.reportTrafficClass() }
    }

    @Test("The traffic class arrives with its marks of ECN", arguments: IPAddress.Family.onLoopback)
    func trafficClass(family: IPAddress.Family) throws {
        defer { loop.close() }
        let (sender, receiver) = (try makeSocket(loop, family), try makeSocket(loop, family))
        var arrivals: [Arrival] = []
        listen(receiver) { arrivals.append($0) }
        try receiver.reportTrafficClass()
        for (count, value) in ([0, 0xba, 0xb9, 1] as [UInt8]).enumerated() {
            try sender.setTypeOfService(value)
            try sender.send([1].span, to: receiver.localAddress)
            #expect(loop.run(until: { arrivals.count > count }, atMost: patience))
            #expect(arrivals.last?.trafficClass == value)
        }
    }

    // Other systems have 127.0.0.1 alone, and no such option for IPv4.
    #if os(Linux)
        @Test("A socket on all addresses tells which one was hit, and answers from there")
        func localAddress() throws {
            defer { loop.close() }
            let server = try UDPSocket(on: loop, boundTo: TransportAddress(.any(.v4), port: 0))
            let client = try makeSocket(loop)
            try server.reportLocalAddress()
            server.onDatagrams = { [unowned server] batch, source in
                #expect(batch.trafficClass == nil)
                guard let hit = batch.localAddress else { return }
                try? server.send(batch[0], to: source, from: hit)
            }
            var answers: [TransportAddress] = []
            client.onDatagram = { _, source in answers.append(source) }
            let hit = ["127.0.0.1", "127.0.0.2", "127.9.9.9"].compactMap { IPAddress($0) }
                .map { TransportAddress($0, port: server.localAddress.port) }
            for (count, address) in hit.enumerated() {
                try client.send([1].span, to: address)
                #expect(loop.run(until: { answers.count > count }, atMost: patience))
            }
            #expect(answers == hit)
            let foreign = try #require(IPAddress("192.0.2.77"))
            #expect(throws: NetworkError.self) {
                try server.send([1].span, to: client.localAddress, from: foreign)
            }
        }

        @Test("Where the system does not put datagrams together they go one by one, and it is asked again later")
        func refusedJoining() throws {
            defer { loop.close() }
            let (sender, receiver) = (try makeSocket(loop), try makeSocket(loop))
            // A kernel without UDP GSO never joins.
            guard sender.joining.isPossible else { return }
            var arrivals: [Arrival] = []
            listen(receiver) { arrivals.append($0) }
            // The kernel does not cut up what is to have no checksum.
            let noChecksum: Int32 = 11
            let three = Array(repeating: [UInt8](repeating: 1, count: 1200), count: 3)
            let send = { () throws in
                arrivals = []
                #expect(try sender.send(contentsOf: three, to: receiver.localAddress) == 3)
                #expect(loop.run(until: { arrivals.flatMap(\.sizes).count == 3 }, atMost: patience))
                return arrivals.count
            }
            #expect(try send() == 1)
            try UDPSocket.setOption(SocketConstant.socketLevel, noChecksum, 1, of: sender.descriptor, "test")
            #expect(try send() == 3)
            try UDPSocket.setOption(SocketConstant.socketLevel, noChecksum, 0, of: sender.descriptor, "test")
            for _ in 0..<JoiningMemory.callsAfterRefusal { #expect(try send() == 3) }
            #expect(try send() == 1)
        }
    #endif

    @Test("A refusal is about one destination, and not for ever")
    func memory() {
        let (near, far) = (loopbackAddress(port: 1), loopbackAddress(port: 2))
        var memory = JoiningMemory(isPossible: true)
        memory.refused(by: far)
        var answers: [Bool] = []
        for _ in 0...JoiningMemory.callsAfterRefusal {
            let isNearJoined = memory.mayJoin(to: near)
            #expect(isNearJoined)
            answers.append(memory.mayJoin(to: far))
        }
        #expect(answers == Array(repeating: false, count: JoiningMemory.callsAfterRefusal) + [true])
        memory = JoiningMemory(isPossible: false)
        let isJoined = memory.mayJoin(to: near)
        #expect(!isJoined)
    }
}

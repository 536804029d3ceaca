import ICE
import ICETesting
import NetBase
import Testing

@Suite("Data over TCP")
struct TCPDataTests {
    private static func call(
        _ seed: UInt64, _ conditions: LinkConditions = LinkConditions(delay: .milliseconds(10)),
        _ configure: (inout ICEConfiguration) -> Void = { _ in }
    ) -> SimulatedCall {
        let network = SimulatedNetwork(seed: seed)
        let a = network.makeHost("a", addresses: ["192.0.2.1"])
        let b = network.makeHost("b", addresses: ["198.51.100.1"])
        for host in [a, b] { host.link.setConditions(conditions) }
        let call = SimulatedCall(network, a, b) {
            $0.transports = .tcp
            $0.pacing = .fast
            configure(&$0)
        }
        _ = call.connect()
        _ = network.run(until: { call.isCompleted }, atMost: .seconds(10))
        return call
    }

    private static func texts(_ count: Int) -> [[UInt8]] {
        (0..<count).map { Array("datagram \($0)".utf8) }
    }

    @Test("Many datagrams are sent at once, and arrive one by one, in their order")
    func many() throws {
        let call = Self.call(31)
        let texts = Self.texts(500)
        #expect(try call.caller.send(contentsOf: texts) == 500)
        call.network.run(for: .seconds(1))
        #expect(call.received[1] == texts.map { String(decoding: $0, as: UTF8.self) })
    }

    @Test("A buffer of datagrams of one size is cut into them")
    func cut() throws {
        let call = Self.call(32)
        let bytes = Array(String(repeating: "0123456789", count: 100).utf8) + Array("end".utf8)
        #expect(try call.caller.send(bytes.span, inDatagramsOf: 10) == 101)
        call.network.run(for: .seconds(1))
        #expect(call.received[1].count == 101 && call.received[1].last == "end")
        #expect(call.received[1].dropLast().allSatisfy { $0 == "0123456789" })
    }

    @Test("Datagrams of one turn go together where they are to")
    func coalesced() throws {
        let call = Self.call(33) { $0.coalescesSends = true }
        for text in Self.texts(40) { try call.caller.send(text) }
        call.network.run(for: .seconds(1))
        #expect(call.received[1].count == 40)
        #expect(call.received[1].first == "datagram 0" && call.received[1].last == "datagram 39")
    }

    @Test("A peer that does not read is told of by wouldBlock, and by onWritable when it does again; consent survives")
    func backPressure() throws {
        let call = Self.call(34, LinkConditions(delay: .milliseconds(10), bandwidth: 4_000_000))
        var roomCame = 0
        call.caller.onWritable = { _ in roomCame += 1 }
        let (sent, refusal) = call.fill()
        #expect(refusal?.code == .wouldBlock && sent < 2000)
        #expect(call.network.run(until: { roomCame > 0 }, atMost: .seconds(20)))
        call.network.run(for: .seconds(60))
        #expect(call.isConnected && call.received[1].count == sent)
        #expect(
            try #require(call.caller.statistics().candidatePairs.first { $0.isSelected }).packetsDiscardedOnSend == 1)
    }

    @Test("What is too long for a frame is refused")
    func tooLarge() {
        let call = Self.call(35)
        let error = #expect(throws: ICEError.self) { try call.caller.send([UInt8](repeating: 1, count: 65_536)) }
        #expect(error?.code == .messageTooLarge)
    }

    @Test("Any first byte may be the application's, once the peer is known")
    func firstBytes() throws {
        let call = Self.call(36)
        var heard: [UInt8] = []
        call.callee.onData = { bytes, _ in heard.append(bytes[0]) }
        for byte in UInt8.min...UInt8.max { try call.caller.send([byte, 1, 2, 3]) }
        call.network.run(for: .seconds(1))
        #expect(heard == Array(UInt8.min...UInt8.max))
    }

    @Test("With continual gathering, an address that comes brings TCP candidates too, and one that goes takes its own")
    func roaming() throws {
        let network = SimulatedNetwork(seed: 37)
        let a = network.makeHost("a", addresses: ["192.0.2.1"])
        let b = network.makeHost("b", addresses: ["198.51.100.1"])
        let call = SimulatedCall(network, a, b) {
            $0.transports = .tcp
            $0.pacing = .fast
            $0.gatheringPolicy = .continually
        }
        #expect(call.connect())
        network.run(for: .seconds(2))
        a.interface.addAddress("192.0.2.77")
        network.run(for: .seconds(5))
        a.interface.removeAddress("192.0.2.1")
        network.run(for: .seconds(20))
        #expect(call.isConnected, "\(call.states)")
        #expect(call.caller.localCandidates.allSatisfy { $0.address.ip == "192.0.2.77" })
        #expect(call.talk())
    }
}

extension SimulatedCall {
    /// Has the caller send 10,000 bytes at a time until it may no more, 2,000 times at most; how often it could, and why no more.
    func fill() -> (sent: Int, refusal: ICEError?) {
        let datagram = [UInt8](repeating: 7, count: 10_000)
        for sent in 0..<2000 {
            do throws(ICEError) { try caller.send(datagram) } catch { return (sent, error) }
        }
        return (2000, nil)
    }
}

import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Datagrams of one turn that go together")
struct CoalescingTests {
    private let network = SimulatedNetwork(seed: 15)
    private let hosts: [SimulatedHost]
    private let call: SimulatedCall

    init() {
        let network = network
        hosts = ["192.0.2.1", "192.0.2.2"].map { (ip: IPAddress) in network.makeHost("host\(ip)", addresses: [ip]) }
        call = SimulatedCall(network, hosts[0], hosts[1]) { $0.coalescesSends = true }
        #expect(call.connect())
        network.run(for: .seconds(5))
    }

    private var counted: (sent: UInt64, bytes: UInt64, discarded: UInt64) {
        let now = call.caller.statistics()
        return (now.packetsSent, now.bytesSent, now.packetsDiscardedOnSend)
    }

    @Test("They leave at the end of the turn, in their order, whatever their sizes")
    func order() throws {
        let texts = ["a", "bb", "bb", "b", "", "ccc"]
        let before = counted
        for text in texts { try call.caller.send(text) }
        #expect(counted == before)
        network.run(for: .seconds(1))
        #expect(call.received[1] == texts)
        #expect(counted.sent == before.sent + 6 && counted.bytes == before.bytes + 9)
        call.close()
    }

    @Test("What goes at once goes behind them")
    func behind() throws {
        try call.caller.send("1")
        try call.caller.send(contentsOf: [[0x32], [0x33]])
        try call.caller.send("4")
        try call.caller.send([0x35, 0x36].span, inDatagramsOf: 1)
        try call.caller.send("7")
        let large = String(repeating: "8", count: 20_000)
        try call.caller.send(large)
        network.run(for: .seconds(1))
        #expect(call.received[1] == ["1", "2", "3", "4", "5", "6", "7", large])
        let error = #expect(throws: ICEError.self) {
            try call.caller.send([UInt8](repeating: 0, count: 70_000))
        }
        #expect(error?.code == .messageTooLarge)
        call.close()
    }

    @Test("More than one system call takes do not wait for the end of the turn", arguments: [(1, 64), (1200, 54)])
    func full(size: Int, count: Int) throws {
        let before = counted.sent
        for _ in 0..<count { try call.caller.send([UInt8](repeating: 0x78, count: size)) }
        #expect(counted.sent == before)
        try call.caller.send([UInt8](repeating: 0x78, count: size))
        #expect(counted.sent == before + UInt64(count))
        network.run(for: .seconds(1))
        #expect(call.received[1].count == count + 1)
        call.close()
    }

    @Test("Where there is no room they wait for it, and only what they leave no room for is refused")
    func noRoom() throws {
        var told = 0
        call.caller.onWritable = { _ in told += 1 }
        let before = counted
        hosts[0].interface.sendFault = .wouldBlock
        for index in 0..<64 { try call.caller.send("\(index)") }
        network.run(for: .milliseconds(10))
        for _ in 0..<2 {
            let error = #expect(throws: ICEError.self) { try call.caller.send("one too many") }
            #expect(error?.code == .wouldBlock)
        }
        #expect(throws: ICEError.self) { try call.caller.send(contentsOf: [[1], [2]]) }
        #expect(counted.sent == before.sent && counted.discarded == before.discarded + 2)
        hosts[0].interface.sendFault = nil
        network.run(for: .seconds(1))
        #expect(told == 1)
        #expect(call.received[1] == (0..<64).map(String.init))
        #expect(counted.sent == before.sent + 64)
        call.close()
    }

    @Test("What is lost is counted when it is, and what comes behind goes")
    func lost() throws {
        let before = counted
        hosts[0].interface.sendFault = .notPermitted
        for _ in 0..<3 { try call.caller.send("lost") }
        try call.caller.send("lost, too")
        network.run(for: .milliseconds(10))
        hosts[0].interface.sendFault = nil
        try call.caller.send("kept")
        network.run(for: .seconds(1))
        #expect(call.received[1] == ["kept"])
        #expect(counted.discarded == before.discarded + 4 && counted.sent == before.sent + 1)
        call.close()
    }

    @Test("Closing sends what was accepted")
    func closing() throws {
        try call.caller.send("the last word")
        call.caller.close()
        network.run(for: .seconds(1))
        #expect(call.received[1] == ["the last word"])
        #expect(throws: ICEError.self) { try call.caller.send("too late") }
        call.close()
    }

    @Test("Through a relay, over UDP and TCP, the same holds", arguments: ["", "?transport=tcp"])
    func relayed(_ transport: String) throws {
        let network = SimulatedNetwork(seed: 16)
        let hosts = ["192.0.2.1", "192.0.2.2"].map { (ip: IPAddress) in network.makeHost("host\(ip)", addresses: [ip]) }
        _ = try SimulatedTURNServer(on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
        let server = try ICEServer(urls: ["turn:192.0.2.9\(transport)"], username: "user", credential: "secret")
        let call = SimulatedCall(network, hosts[0], hosts[1]) {
            $0.servers = [server]
            $0.transportPolicy = .relay
            $0.coalescesSends = true
        }
        #expect(call.connect())
        network.run(for: .seconds(5))
        for index in 0..<100 { try call.caller.send("\(index)") }
        try call.caller.send([1, 2, 3, 4, 5].span, inDatagramsOf: 2)
        network.run(for: .seconds(1))
        #expect(call.received[1] == (0..<100).map(String.init) + ["\u{1}\u{2}", "\u{3}\u{4}", "\u{5}"])
        call.close()
    }
}

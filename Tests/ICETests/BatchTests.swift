import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Several datagrams at a time, and room for them")
struct BatchTests {
    private func call(_ relayURL: String? = nil) throws -> (SimulatedNetwork, SimulatedCall, SimulatedHost) {
        let network = SimulatedNetwork(seed: 14)
        let hosts = ["192.0.2.1", "192.0.2.2"].map { (ip: IPAddress) in network.makeHost("host\(ip)", addresses: [ip]) }
        var servers: [ICEServer] = []
        if let relayURL {
            _ = try SimulatedTURNServer(
                on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
            servers = [try ICEServer(urls: [relayURL], username: "user", credential: "secret")]
        }
        let call = SimulatedCall(network, hosts[0], hosts[1]) {
            $0.servers = servers
            if relayURL != nil { $0.transportPolicy = .relay }
        }
        #expect(call.connect())
        network.run(for: .seconds(5))
        return (network, call, hosts[0])
    }

    @Test(
        "Several datagrams arrive in their order and are counted, directly and through a relay",
        arguments: [nil, "turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"])
    func several(_ relayURL: String?) throws {
        let (network, call, _) = try call(relayURL)
        let texts = (0..<100).map { "number \($0)" }
        let before = call.caller.statistics().packetsSent
        #expect(try call.caller.send(contentsOf: texts.map { Array($0.utf8) }) == 100)
        #expect(try call.caller.send(contentsOf: []) == 0)
        network.run(for: .seconds(1))
        #expect(Array(call.received[1].suffix(100)) == texts)
        #expect(call.caller.statistics().packetsSent == before + 100)
        call.close()
        #expect(throws: ICEError.self) { try call.caller.send(contentsOf: [[1]]) }
    }

    @Test("Who had no room is told once when there is some, on a later turn", arguments: [nil, "turn:192.0.2.9"])
    func writable(_ relayURL: String?) throws {
        let (network, call, host) = try call(relayURL)
        var told: [StreamComponent] = []
        call.caller.onWritable = { told.append($0) }
        host.interface.sendFault = .wouldBlock
        for _ in 0..<2 {
            let error = #expect(throws: ICEError.self) { try call.caller.send("no room") }
            #expect(error?.code == .wouldBlock)
            #expect(throws: ICEError.self) { try call.caller.send(contentsOf: [[1], [2]]) }
        }
        network.run(for: .milliseconds(10))
        #expect(told.isEmpty)
        host.interface.sendFault = nil
        #expect(told.isEmpty)
        network.run(for: .milliseconds(10))
        #expect(told == [.first])
        // Who was never refused anything is not told.
        host.interface.sendFault = .wouldBlock
        host.interface.sendFault = nil
        network.run(for: .milliseconds(10))
        #expect(told.count == 1)
        call.close()
    }

    @Test(
        "Who had something taken, and not what is too large behind it, is told to go on",
        arguments: [nil, "turn:192.0.2.9"])
    func tooLarge(_ relayURL: String?) throws {
        let (network, call, _) = try call(relayURL)
        var told = 0
        call.caller.onWritable = { _ in told += 1 }
        let datagrams = [Array("fits".utf8), [UInt8](repeating: 0, count: 70_000)]
        #expect(try call.caller.send(contentsOf: datagrams) == 1)
        network.run(for: .milliseconds(10))
        #expect(told == 1)
        let error = #expect(throws: ICEError.self) { try call.caller.send(contentsOf: [datagrams[1]]) }
        #expect(error?.code == .messageTooLarge)
        network.run(for: .seconds(1))
        #expect(told == 1 && call.received[1].last == "fits")
        call.close()
    }

    @Test("Who had no room on a path that is lost is told to go on")
    func lostPath() throws {
        let (network, call, host) = try call()
        var told = 0
        call.caller.onWritable = { _ in told += 1 }
        host.interface.sendFault = .wouldBlock
        #expect(throws: ICEError.self) { try call.caller.send("no room") }
        network.run(for: .seconds(40))
        #expect(call.hasFailed)
        host.interface.sendFault = nil
        call.caller.restart()
        call.callee.restart()
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        #expect(network.run(until: { call.isConnected }, atMost: .seconds(10)))
        network.run(for: .seconds(1))
        #expect(told == 1)
        call.close()
    }

    @Test("Who had no room on a path that the application ends is not told")
    func endedPath() throws {
        let (network, call, host) = try call()
        var told = 0
        call.caller.onWritable = { _ in told += 1 }
        host.interface.sendFault = .wouldBlock
        #expect(throws: ICEError.self) { try call.caller.send("no room") }
        call.caller.removeComponent(.first)
        network.run(for: .seconds(1))
        host.interface.sendFault = nil
        network.run(for: .seconds(1))
        #expect(told == 0)
        call.close()
    }

    @Test("Nor who ends it when told that the pair is lost")
    func endedLostPath() throws {
        let (network, call, host) = try call()
        var told = 0
        call.caller.onWritable = { _ in told += 1 }
        call.caller.onPairFailed = { [unowned call] _, _ in call.caller.removeComponent(.first) }
        host.interface.sendFault = .wouldBlock
        #expect(throws: ICEError.self) { try call.caller.send("no room") }
        network.run(for: .seconds(40))
        #expect(told == 0)
        call.close()
    }
}

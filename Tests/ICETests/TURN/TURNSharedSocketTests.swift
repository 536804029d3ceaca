import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("TURNClient on a socket of somebody else's")
struct TURNSharedSocketTests {
    private final class Setting {
        let network = SimulatedNetwork(seed: 3)
        let server: SimulatedTURNServer
        let socket: SimulatedSocket
        let peer: SimulatedSocket
        let client: TURNClient
        var strangers: [TransportAddress] = []

        init() throws {
            server = try SimulatedTURNServer(
                on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["alice": "secret"])
            let host = network.makeHost("client", addresses: ["198.51.100.1"])
            socket = try host.bind("198.51.100.1:6000")
            peer = try network.makeHost("peer", addresses: ["203.0.113.1"]).bind("203.0.113.1:5000")
            let configuration = TURNClientConfiguration(host: "192.0.2.10", username: "alice", password: "secret")
            client = try TURNClient(platform: host, configuration: configuration, sharing: socket)
            socket.onDatagram = { [unowned self] bytes, source in
                if source == client.serverAddress { client.receive(bytes) } else { strangers.append(source) }
            }
            socket.onUnreachable = { [unowned self] destination, error in
                if destination == client.serverAddress { client.unreachable(error) }
            }
        }
    }

    @Test("The allocation leaves from there, so that its reflexive address is the socket's")
    func reflexive() throws {
        let setting = try Setting()
        setting.client.allocate()
        setting.network.run(for: .seconds(1))
        #expect(setting.client.allocation?.reflexiveAddress == "198.51.100.1:6000")
        #expect(setting.client.allocation?.localAddress == "198.51.100.1:6000")
        #expect(setting.client.isSharing)
    }

    @Test("A relayed socket sends and receives from the relayed address, and the owner's socket stays open")
    func relayedSocket() throws {
        let setting = try Setting()
        setting.client.allocate()
        setting.network.run(for: .seconds(1))
        let relayed = try #require(setting.client.makeRelayedSockets().first)
        var heard: [[UInt8]] = []
        var sources: [TransportAddress] = []
        relayed.onDatagram = { bytes, source in
            heard.append([UInt8](copying: bytes))
            sources.append(source)
        }
        setting.peer.onDatagram = { [peer = setting.peer] bytes, source in
            #expect(source == relayed.localAddress)
            try? peer.send(bytes, to: source)
        }
        relayed.permit("203.0.113.1")
        try relayed.send([1, 2, 3].span, to: setting.peer.localAddress)
        setting.network.run(for: .seconds(1))
        relayed.bindChannel(to: setting.peer.localAddress)
        setting.network.run(for: .seconds(1))
        try relayed.send([4, 5].span, to: setting.peer.localAddress)
        setting.network.run(for: .seconds(1))
        #expect(heard == [[1, 2, 3], [4, 5]])
        #expect(sources == [setting.peer.localAddress, setting.peer.localAddress])
        #expect(setting.server.counters.channelDataFromClients == 1)
        setting.client.close()
        try setting.peer.send([9].span, to: "198.51.100.1:6000")
        setting.network.run(for: .seconds(1))
        // The server's answer to the release comes when the client is gone.
        #expect(Set(setting.strangers) == [setting.peer.localAddress, "192.0.2.10:3478"] && heard.count == 2)
        #expect(setting.server.allocations == [])
    }

    @Test("A relayed socket drops what it cannot send, and says so")
    func drops() throws {
        let setting = try Setting()
        setting.client.allocate()
        setting.network.run(for: .seconds(1))
        let relayed = try #require(setting.client.makeRelayedSockets().first)
        #expect(throws: NetworkError.self) { try relayed.send([1].span, to: "203.0.113.1:5000") }
        #expect(setting.client.statistics.packetsWithoutPermission == 1)
        relayed.close()
        #expect(throws: NetworkError.self) { try relayed.send([1].span, to: "203.0.113.1:5000") }
    }

    @Test("A port that the server refuses is left for one of the client's own")
    func portRejected() throws {
        let setting = try Setting()
        setting.server.fail(.allocate, with: STUNMessage.ErrorCode(code: 437, reason: "Allocation Mismatch"))
        setting.client.allocate()
        setting.network.run(for: .seconds(1))
        #expect(!setting.client.isSharing)
        #expect(setting.client.allocation.map { $0.reflexiveAddress != "198.51.100.1:6000" } == true)
    }

    @Test("An ICMP error that the owner hands in fails the allocating at once")
    func unreachable() throws {
        let setting = try Setting()
        setting.server.isSilent = true
        var errors: [TURNClientError.Code] = []
        setting.client.onError = { errors.append($0.code) }
        setting.client.allocate()
        setting.network.run(for: .seconds(1))
        setting.client.unreachable(NetworkError(.connectionRefused, name: "ECONNREFUSED", operation: "send"))
        setting.network.run(for: .seconds(1))
        #expect(errors == [.unreachable])
    }
}

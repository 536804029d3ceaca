import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

@Suite("A shared port: what waits for room")
struct SharedPortRoomTests {
    @Test("Data that a relay gets in indications is refused where there is no room, and takes no check's place")
    func indications() throws {
        let scene = try SharedScene()
        let turn = try SimulatedTURNServer(
            on: scene.network.makeHost("turn", addresses: ["192.0.2.1"]), users: ["user": "secret"])
        let member = PortMember(of: scene.port, isLite: false)
        let view = try member.makeView(on: "192.0.2.10")
        let client = try TURNClient(
            platform: scene.port.platform,
            configuration: TURNClientConfiguration(url: "turn:192.0.2.1", username: "user", password: "secret"),
            sharing: view)
        view.receiveBatches { batch, _ in
            for index in 0..<batch.count { client.receive(batch[index]) }
        }
        client.onAllocate = { [weak client] _ in client?.createPermission(for: "203.0.113.1") }
        client.allocate()
        scene.network.run(for: .seconds(1))
        try #require(turn.allocations.count == 1)
        try client.send([1, 2, 3], to: "203.0.113.1:7000")

        scene.server.interface.sendFault = .wouldBlock
        let request = STUNMessage(.request, .binding, transactionID: STUNTransactionID())
        try view.send(request.bytes.span, to: "203.0.113.2:7000")
        let fault = #expect(throws: NetworkError.self) { try client.send([1, 2, 3], to: "203.0.113.1:7000") }
        #expect(fault?.code == .wouldBlock)
        var sent: [SimulatedPacket] = []
        scene.network.interceptor = { packet in
            if packet.sender == "server" { sent.append(packet) }
            return .pass
        }
        scene.server.interface.sendFault = nil
        scene.network.run(for: .milliseconds(10))
        scene.network.interceptor = nil
        #expect(sent.map(\.destination) == ["203.0.113.2:7000"])
        client.close()
        member.leave()
    }
}

import ICE
import ICETesting
import STUN
import Testing

@Suite("TURN clients that have nothing to do")
struct RefreshSpreadTests {
    /// What a client's life on a relay is not to bring.
    private final class Losses { var all: [String] = [] }

    private static func clients(_ count: Int, _ host: SimulatedHost, _ losses: Losses) throws -> [TURNClient] {
        try (0..<count).map { number in
            let client = try TURNClient(
                platform: host,
                configuration: TURNClientConfiguration(host: "192.0.2.10", username: "alice", password: "secret"))
            // One half keeps a permission, the other one a channel.
            let peer = TransportAddress("203.0.113.1", port: UInt16(5000 + number))
            client.onAllocate = { [unowned client] _ in
                if number.isMultiple(of: 2) {
                    client.createPermission(for: peer.ip)
                } else {
                    client.bindChannel(to: peer)
                }
            }
            client.onAllocationLost = { losses.all.append("allocation of \(number): \($0)") }
            client.onResponseError = { losses.all.append("\($0) of \(number): \($1) \($2)") }
            client.onError = { losses.all.append("client \(number): \($0)") }
            client.allocate()
            return client
        }
    }

    @Test(
        "B2.1, B2.4, B2.6: 200 allocations that were made at the same moment are not refreshed in step, and never run out",
        arguments: [1, 2])
    func spread(_ seed: UInt64) throws {
        let network = SimulatedNetwork(seed: seed)
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["alice": "secret"])
        server.settings.nonceLifetime = .seconds(86_400)
        let losses = Losses()
        let clients = try Self.clients(200, network.makeHost("clients", addresses: ["198.51.100.1"]), losses)
        network.run(for: .seconds(10))
        #expect(server.allocations.count == 200)

        // How many of each kind come, and the most of them in a second.
        let methods = [STUNMethod.refresh, .createPermission, .channelBind]
        var (busiest, counts) = ([0, 0, 0], [0, 0, 0])
        for second in 1...1800 {
            let before = methods.map { server.counters.requests[$0] ?? 0 }
            network.run(for: .seconds(1))
            for (index, method) in methods.enumerated() {
                let count = (server.counters.requests[method] ?? 0) - before[index]
                counts[index] += count
                busiest[index] = max(busiest[index], count)
            }
            guard second.isMultiple(of: 10) else { continue }
            let kept = server.allocations.count { $0.permissions.count == 1 }
            if kept != 200 { losses.all.append("\(200 - kept) permissions at \(network.now)") }
        }
        // All at once would be 200 of the first kind, and 100 of the others.
        #expect(busiest[0] <= 16 && busiest[1] <= 10 && busiest[2] <= 10, "seed \(seed): \(busiest)")
        // Half an hour has three rounds of the one, and seven to nine of the others.
        let expected: [ClosedRange<Int>] = [500...700, 700...900, 700...900]
        #expect(zip(expected, counts).allSatisfy { $0.contains($1) }, "\(counts)")
        #expect(losses.all.isEmpty, "seed \(seed)")
        #expect(server.counters.expiredAllocations == 0)
        #expect(server.allocations.count { !$0.channels.isEmpty } == 100)
        for client in clients { client.close() }
    }
}

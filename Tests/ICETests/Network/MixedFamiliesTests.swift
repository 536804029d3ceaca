import ICETesting
import Testing

@testable import ICE

@Suite("One side has both address families, the other one")
struct MixedFamiliesTests {
    @Test(
        "The direct path over IPv4 is waited for, though the relay over IPv6 works first",
        arguments: [Role.controlling, .controlled], [PacingProfile.standard, .fast])
    func direct(_ role: Role, _ pacing: PacingProfile) throws {
        for seed in 1...10 {
            let scene = try NATMatrixLossTests.Scene(seed: UInt64(seed))
            let dual = scene.host("a", .portRestricted, .both, number: 1, loss: 0)
            let single = scene.host("b", .portRestricted, .v4, number: 2, loss: 0)
            let call = SimulatedCall(
                scene.network, dual, single, signallingDelay: .milliseconds(5), roles: [role, role.opposite]
            ) {
                $0.servers = scene.servers
                $0.pacing = pacing
            }
            #expect(call.connect(atMost: .seconds(5)))
            #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(10)))
            for client in call.clients { #expect(client.selectedPair()?.isRelayed == false, "seed \(seed)") }
        }
    }
}

import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Credentials that were signalled wrongly")
struct CredentialBugTests {
    private func call(
        _ role: Role, _ pacing: PacingProfile, _ configure: (inout ICEConfiguration) -> Void = { _ in }
    ) throws -> (SimulatedNetwork, ICEClient, ICEClient) {
        let network = SimulatedNetwork(seed: 12)
        var configuration = ICEConfiguration(role: role)
        configuration.pacing = pacing
        configure(&configuration)
        let caller = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]), configuration: configuration)
        configuration.role = role.opposite
        let callee = ICEClient(on: network.makeHost("b", addresses: ["192.0.2.2"]), configuration: configuration)
        for (client, peer) in [(caller, callee), (callee, caller)] {
            client.onCandidate = { [weak peer] in peer?.addRemoteCandidate($0) }
        }
        return (network, caller, callee)
    }

    @Test(
        "Who knows a wrong password of the peer's fails, though the peer's own checks keep coming, and says why",
        arguments: [Role.controlling, .controlled], [PacingProfile.standard, .fast])
    func wrongPassword(_ role: Role, _ pacing: PacingProfile) throws {
        let (network, caller, callee) = try call(role, pacing)
        let right = callee.localParameters
        let wrong = try ICEParameters(
            usernameFragment: right.usernameFragment, password: String(right.password.reversed()),
            options: right.options)
        try caller.setRemoteParameters(wrong)
        try callee.setRemoteParameters(caller.localParameters)
        for client in [caller, callee] {
            client.gatherCandidates()
            client.processCandidates()
        }
        network.run(for: .seconds(60))
        #expect(caller.state == .failed)
        #expect(caller.failure?.message.contains("parameters") == true)
        network.run(for: .seconds(60))
        #expect(callee.state == .failed)
        for client in [caller, callee] { client.close() }
    }

    @Test("A peer that has told no candidates is named as the reason")
    func noCandidates() throws {
        let (network, caller, callee) = try call(.controlling, .fast)
        callee.onCandidate = nil
        try caller.setRemoteParameters(callee.localParameters)
        caller.gatherCandidates()
        caller.processCandidates()
        caller.addRemoteCandidate(nil as Candidate?)
        network.run(for: .seconds(60))
        #expect(caller.state == .failed && caller.failure?.code == .noCandidatePairs)
        #expect(caller.failure?.message.contains("told no candidates") == true)
    }

    @Test("Where this side has no candidates, the peer is not named as the reason")
    func noOwnCandidates() throws {
        let (network, caller, callee) = try call(.controlling, .fast) { $0.transportPolicy = .relay }
        try caller.setRemoteParameters(callee.localParameters)
        for client in [caller, callee] {
            client.gatherCandidates()
            client.processCandidates()
        }
        caller.addRemoteCandidate(nil as Candidate?)
        network.run(for: .seconds(60))
        #expect(caller.state == .failed && caller.failure?.code == .noCandidatePairs)
        #expect(caller.failure?.message.contains("this side has no candidates") == true)
    }
}

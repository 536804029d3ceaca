import ICE
import ICECore
import ICETesting
import Testing

@Suite("What a client keeps and what it tells around its end")
struct ClientLifeTests {
    /// An application object as there are many: it owns a client and is captured by the client's closures.
    final class Owner {
        let client: ICEClient
        var states: [ICEState] = []

        init(_ client: ICEClient) {
            self.client = client
            client.onStateChange = { self.states.append($0) }
            client.onData = { _, _ in self.states = [] }
            client.shouldAcceptBindingRequest = { _ in !self.states.isEmpty }
        }
    }

    @Test("close() lets go of the closures, and of what they own")
    func closures() {
        let network = SimulatedNetwork(seed: 1)
        weak var owner: Owner?
        do {
            let made = Owner(ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"])))
            owner = made
            made.client.close()
        }
        #expect(owner == nil)
    }

    @Test("connected is told even when the nomination comes with the first answer")
    func connectedComesFirst() {
        let (network, a, b) = SimulatedCallTests.hosts(1)
        let call = SimulatedCall(network, a, b) {
            $0.pacing = .fast
            $0.nomination = .eager
        }
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        network.run(for: .milliseconds(1))
        #expect(call.states == [[.checking, .connected, .completed], [.checking, .connected, .completed]])
    }

    @Test("A Ta below 5 ms is not used, whatever was configured")
    func fastestPacing() {
        var profile = PacingProfile.server
        profile.pacingInterval = .zero
        #expect(profile.agreedInterval(remote: nil) == .milliseconds(5))
    }
}

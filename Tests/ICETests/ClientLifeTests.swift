import ICECore
import ICETesting
import Testing

@testable import ICE

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

    @Test("What waits on the loop leads to no client that is closed or let go", arguments: [true, false])
    func reference(isClosed: Bool) {
        let network = SimulatedNetwork(seed: 1)
        let reference: ClientReference
        do {
            let client = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]))
            reference = client.reference
            client.gatherCandidates()
            #expect(reference.client === client)
            if isClosed {
                client.close()
                // It may be let go on another thread now, while the loop's looks at what waits.
                #expect(reference.client == nil)
            }
        }
        #expect(reference.client == nil)
        network.run(for: .seconds(1))
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

    @Test("C1.7: a Ta below 5 ms is neither signalled nor gathered with")
    func fastestGathering() throws {
        let network = SimulatedNetwork(seed: 1)
        let host = network.makeHost("a", addresses: (1...6).map { IPAddress(v4: 0xc000_0200 | $0) })
        var configuration = ICEConfiguration()
        configuration.pacing = .server
        configuration.pacing.pacingInterval = .zero
        configuration.servers = [try ICEServer(urls: ["stun:203.0.113.1"])]
        let client = ICEClient(on: host, configuration: configuration)
        #expect(client.localParameters.pacingInterval == .milliseconds(5))
        network.isTracing = true
        client.gatherCandidates()
        network.run(for: .milliseconds(12))
        #expect(network.trace.count { $0.event == .sent } == 3)
    }
}

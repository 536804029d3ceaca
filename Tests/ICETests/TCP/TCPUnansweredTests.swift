import ICETesting
import Testing

@testable import ICE

/// Over TCP nothing is lost on the way, but peers drop what they get too early, and networks what opens a connection.
@Suite("Checks over TCP that nobody answers")
struct TCPUnansweredTests {
    /// A call between a host that can only connect and one that can be connected to, which drops checks without a word.
    private final class Scene {
        let network = SimulatedNetwork(seed: 61)
        let inside: SimulatedHost
        let outside: SimulatedHost
        let call: SimulatedCall
        /// How many checks the one outside drops.
        var dropped = 0

        init(oneWay delay: Duration = .milliseconds(20), openerControls: Bool = true) {
            let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .udpBlocked)
            inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
            outside = network.makeHost("outside", addresses: ["198.51.100.1"])
            for host in [inside, outside] { host.link.setConditions(LinkConditions(delay: delay / 2)) }
            let roles: [Role] = openerControls ? [.controlling, .controlled] : [.controlled, .controlling]
            call = SimulatedCall(network, inside, outside, roles: roles) {
                $0.transports = .tcp
                $0.patienceInterval = .seconds(30)
            }
        }

        /// The one outside drops the first checks.
        func drop(first count: Int) {
            call.callee.shouldAcceptBindingRequest = { [unowned self] _ in
                dropped += 1
                return dropped > count
            }
        }

        /// How many checks the opener has sent over the only pair of its that gets anywhere.
        var checksSent: UInt64 { call.caller.statistics().candidatePairs.map(\.requestsSent).max() ?? 0 }

        /// Tells the opener of ports outside that nobody of this call has.
        func tellCaller(ports: ClosedRange<UInt16>) throws {
            let client = call.caller
            try client.setRemoteParameters(
                ICEParameters(credentials: Credentials(usernameFragment: "ABCD", password: "0123456789012345678901")))
            client.gatherCandidates()
            client.processCandidates()
            for port in ports {
                client.addRemoteCandidate(
                    try Candidate("candidate:\(port) 1 tcp 1518174207 198.51.100.1 \(port) typ host tcptype passive"))
            }
            client.addRemoteCandidate(nil)
        }

        var time: Duration { network.now - Instant(nanoseconds: 0) }
    }

    @Test(
        "A check that the peer drops is followed by fresh ones over the same connection: after 1 s, 3 s, and so on",
        arguments: [true, false], [1, 2, 3])
    func dropped(_ openerControls: Bool, _ count: Int) throws {
        let scene = Scene(openerControls: openerControls)
        scene.drop(first: count)
        try #require(scene.call.connect(atMost: .seconds(1 << count)))
        #expect(scene.time > .seconds(1 << count) - .seconds(1))
        #expect(scene.inside.connections.count == 1)
        #expect(scene.network.run(until: { scene.call.isCompleted }, atMost: .seconds(2)))
        #expect(scene.call.failures.joined().allSatisfy { $0.code != .timeout }, "\(scene.call.failures)")
    }

    @Test("The answer to a check counts behind the fresh one, and no more are sent")
    func late() throws {
        let scene = Scene(oneWay: .milliseconds(700))
        scene.call.start()
        // Up after 1.4 s; asked then, again a second later, and answered after another 0.4 s.
        scene.network.run(for: .milliseconds(2700))
        #expect(scene.checksSent == 2 && scene.call.caller.state == .checking)
        scene.network.run(for: .milliseconds(300))
        #expect(scene.call.caller.state == .connected)
        scene.network.run(for: .seconds(20))
        let pair = try #require(scene.call.caller.statistics().candidatePairs.first { $0.isSelected })
        // The two checks, the nomination, and consent, whose last answer may be under way.
        #expect(pair.requestsSent == 3, "\(pair)")
        #expect(pair.responsesReceived >= pair.requestsSent + pair.consentRequestsSent - 1, "\(pair)")
    }

    @Test("Nothing is sent again while the connection is being opened")
    func opening() throws {
        let scene = Scene(oneWay: .milliseconds(2500))
        scene.call.start()
        scene.network.run(for: .milliseconds(5900))
        #expect(scene.checksSent == 1)
        scene.network.run(for: .milliseconds(200))
        #expect(scene.checksSent == 2)
    }

    @Test("Whoever never answers is asked six times, and given up when he would have been without that")
    func silent() throws {
        let scene = Scene()
        var taken: [SimulatedStream] = []
        try scene.outside.listen(on: "198.51.100.1:7000") { taken.append($0) }
        try scene.tellCaller(ports: 7000...7000)
        #expect(scene.network.run(until: { !scene.call.failures[0].isEmpty }, atMost: .seconds(50)))
        #expect(39...41 ~= scene.time / .seconds(1))
        #expect(scene.checksSent == 6 && taken.count == 1)
        #expect(scene.call.failures[0].contains { $0.code == .timeout && $0.message.hasPrefix("no answer from") })
    }

    @Test("A restart whose first check comes too early for the peer goes on a second later", arguments: [true, false])
    func restart(_ openerControls: Bool) throws {
        let scene = Scene(openerControls: openerControls)
        try #require(scene.call.connect())
        try #require(scene.network.run(until: { scene.call.isCompleted }, atMost: .seconds(5)))
        scene.drop(first: 2)
        for client in scene.call.clients { client.restart() }
        for (client, peer) in [(scene.call.caller, scene.call.callee), (scene.call.callee, scene.call.caller)] {
            try client.setRemoteParameters(peer.localParameters)
        }
        let before = scene.call.nominated.map(\.count)
        let isChosen = { zip(scene.call.nominated, before).allSatisfy { $0.count > $1 } }
        #expect(scene.network.run(until: isChosen, atMost: .seconds(5)))
    }

    // MARK: Connections that do not come up

    @Test("A pair whose connection does not come up fails after 10 seconds, and says so")
    func blackhole() throws {
        let scene = Scene()
        scene.outside.link.isCut = true
        scene.call.start()
        scene.network.run(for: .milliseconds(9900))
        #expect(scene.call.failures[0].isEmpty)
        scene.network.run(for: .seconds(1))
        let failure = try #require(scene.call.failures[0].first)
        #expect(failure.code == .timeout)
        #expect(failure.message.contains("198.51.100.1") && failure.message.contains("10 seconds"), "\(failure)")
        #expect(failure.message.contains("firewall") && !failure.message.contains("10.0.0.2"), "\(failure)")
    }

    @Test("Many addresses that let no connection come up are gone through within a minute")
    func manyBlackholes() throws {
        let scene = Scene()
        scene.outside.link.isCut = true
        try scene.tellCaller(ports: 7000...7019)
        #expect(scene.network.run(until: { scene.call.caller.state == .failed }, atMost: .seconds(60)))
        scene.network.run(for: .seconds(1))
        #expect(scene.call.failures[0].count == 20)
    }
}

import ICE
import ICETesting
import NetBase
import Testing

@Suite("TURN servers that are restarted in the middle of a call")
struct RestartedServerTests {
    let network = SimulatedNetwork(seed: 8)
    let server: SimulatedTURNServer

    init() throws {
        server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
    }

    private func makeCall(_ caller: SimulatedHost, _ urls: [String]) throws -> SimulatedCall {
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        for host in [caller, peer] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let servers = [try ICEServer(urls: urls, username: "user", credential: "secret")]
        return SimulatedCall(network, caller, peer, signallingDelay: .milliseconds(50)) {
            $0.gatheringPolicy = .continually
            $0.transportPolicy = .relay
            $0.servers = servers
        }
    }

    /// How long nothing comes, in either direction, when this happens.
    private func interruption(of call: SimulatedCall, _ event: () -> Void) -> Duration {
        call.gap(at: 1, atMost: .seconds(15), after: event) + call.gap(at: 0, atMost: .seconds(15)) {}
    }

    private func leaveForASecond(refusing: Bool) {
        server.restart(after: refusing ? .seconds(1) : .zero)
        server.isSilent = !refusing
        network.schedule(after: .seconds(1)) { server.isSilent = false }
    }

    @Test(
        "A server that is restarted costs a relayed call no more than four seconds, though it is away for one",
        arguments: [
            ("turn:192.0.2.9", true), ("turn:192.0.2.9", false), ("turn:192.0.2.9?transport=tcp", true),
        ])
    func away(_ url: String, refusing: Bool) throws {
        let call = try makeCall(network.makeHost("caller", addresses: ["192.0.2.1"]), [url])
        var removed: [TransportAddress] = []
        call.caller.onCandidateRemoved = { removed.append($0.address) }
        #expect(call.connect())
        network.run(for: .seconds(5))
        let old = try #require(call.caller.selectedPair()).local.address
        let interruption = interruption(of: call) { leaveForASecond(refusing: refusing) }
        #expect(interruption <= .seconds(4), "\(interruption)")
        #expect(removed.contains(old))
        let used = try #require(call.caller.selectedPair())
        #expect(used.local.address != old)
        call.close()
    }

    @Test("So it is where UDP is blocked, though it takes ten seconds there to see that nobody answers over UDP")
    func withoutUDP() throws {
        let firewall = network.makeNAT(
            "office", external: ["203.0.113.1"],
            behavior: NATBehavior(
                mapping: .endpointIndependent, filtering: .addressAndPortDependent, blocksUDP: true))
        let caller = network.makeHost("caller", addresses: ["10.0.0.2"], behind: firewall)
        let urls = ["turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"]
        let call = try makeCall(caller, urls)
        call.caller.onRestartNeeded = { [unowned call] _ in call.restart() }
        #expect(call.connect())
        network.run(for: .seconds(15))
        let interruption = interruption(of: call) { leaveForASecond(refusing: true) }
        #expect(interruption <= .seconds(4), "\(interruption)")
        call.close()
    }

    @Test("However often it was restarted before in a long call")
    func often() throws {
        let caller = network.makeHost("caller", addresses: ["192.0.2.1"])
        let call = try makeCall(caller, ["turn:192.0.2.9?transport=tcp"])
        call.caller.onRestartNeeded = { [unowned call] _ in call.restart() }
        #expect(call.connect())
        for _ in 0..<8 {
            network.run(for: .seconds(60))
            let interruption = interruption(of: call) { leaveForASecond(refusing: true) }
            #expect(interruption <= .seconds(4), "\(interruption)")
        }
        call.close()
    }

    @Test("A server whose name takes seconds to find is found, though another one refuses meanwhile and is asked again")
    func slowName() throws {
        network.names["turn.example.org"] = ["192.0.2.9"]
        network.names.delay = .seconds(3)
        _ = network.makeHost("closed", addresses: ["192.0.2.3"])
        let urls = ["turn:192.0.2.3?transport=tcp", "turn:turn.example.org"]
        let servers = [try ICEServer(urls: urls, username: "user", credential: "secret")]
        let hosts = ["192.0.2.1", "192.0.2.2"].map { (ip: IPAddress) in network.makeHost("host\(ip)", addresses: [ip]) }
        let call = SimulatedCall(network, hosts[0], hosts[1]) {
            $0.gatheringPolicy = .continually
            $0.transportPolicy = .relay
            $0.servers = servers
        } configureCallee: {
            $0.transportPolicy = .all
            $0.servers = []
        }
        #expect(call.connect(atMost: .seconds(4)))
        call.close()
    }

    @Test(
        "Nobody has to restart ICE for that, though the call has lasted long",
        arguments: ["turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"])
    func withoutRestart(_ url: String) throws {
        let caller = network.makeHost("caller", addresses: ["192.0.2.1"])
        let call = try makeCall(caller, [url])
        #expect(call.connect())
        network.run(for: .seconds(60))
        let interruption = interruption(of: call) { leaveForASecond(refusing: true) }
        #expect(interruption <= .seconds(4), "\(interruption)")
        #expect(!call.states.joined().contains(.failed))
        call.close()
    }

    @Test("A session that has failed asks no server any more")
    func failed() throws {
        _ = network.makeHost("closed", addresses: ["192.0.2.3"])
        var configuration = ICEConfiguration(role: .controlling)
        configuration.gatheringPolicy = .continually
        configuration.servers = [
            try ICEServer(urls: ["turn:192.0.2.3?transport=tcp"], username: "user", credential: "secret")
        ]
        let client = ICEClient(on: network.makeHost("caller", addresses: ["192.0.2.1"]), configuration: configuration)
        let credentials = try Credentials(usernameFragment: "abcd", password: "0123456789012345678901")
        try client.setRemoteParameters(ICEParameters(credentials: credentials))
        try client.addRemoteCandidate("candidate:1 1 udp 2130706431 192.0.2.77 5000 typ host")
        client.addRemoteCandidate(nil)
        client.gatherCandidates()
        client.processCandidates()
        #expect(network.run(until: { client.state == .failed }, atMost: .seconds(60)))
        network.run(for: .seconds(60))
        #expect(network.isIdle)
        client.close()
    }
}

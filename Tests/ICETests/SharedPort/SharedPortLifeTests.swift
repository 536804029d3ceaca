import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("A shared port: ends, in every order")
struct SharedPortLifeTests {
    private static let port: TransportAddress = "192.0.2.10:4000"

    /// Whether the port's address can be bound again, which says that its socket is closed.
    private func isFree(_ host: SimulatedHost) -> Bool {
        guard let socket = try? host.bind(Self.port) else { return false }
        socket.close()
        return true
    }

    private func makeServer() -> (SimulatedNetwork, SimulatedHost) {
        let network = SimulatedNetwork(seed: 5)
        return (network, network.makeHost("server", addresses: ["192.0.2.10"]))
    }

    @Test("A port lives as long as the last of its clients, and no longer", arguments: [false, true])
    func lifetime(isClosed: Bool) throws {
        let (network, host) = makeServer()
        var port: SharedPort? = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 4000))
        weak let weakPort = port
        var client: ICEClient? = try port.map { try ICEClient(port: $0, configuration: ICEConfiguration()) }
        weak let weakClient = client
        client?.gatherCandidates()
        network.run(for: .milliseconds(50))
        port = nil
        #expect(weakPort != nil && !isFree(host))
        if isClosed { client?.close() }
        client = nil
        network.run(for: .milliseconds(50))
        #expect(weakClient == nil && weakPort == nil)
        #expect(isFree(host))
    }

    @Test("A call and its port are let go of in the middle of a datagram", arguments: 0..<4)
    func inMidst(_ kind: Int) throws {
        final class Held {
            var port: SharedPort?
            var client: ICEClient?
        }
        let (network, host) = makeServer()
        let held = Held()
        held.port = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 4000))
        weak let weakPort = held.port
        held.client = try held.port.map { try ICEClient(port: $0, configuration: ICEConfiguration(role: .controlled)) }
        weak let weakClient = held.client
        let caller = ICEClient(
            on: network.makeHost("caller", addresses: ["203.0.113.1"]),
            configuration: ICEConfiguration(role: .controlling))
        try prepare(caller, try #require(held.client)) { [held] in
            switch kind {
            case 0: held.client = nil
            case 1: held.client?.close()
            case 2: held.port?.close()
            default: (held.client, held.port) = (nil, nil)
            }
        }
        let isConnected = network.run(until: { caller.state == .completed }, atMost: .seconds(5))
        #expect(isConnected)
        try caller.send("last")
        try caller.send("after")
        network.run(for: .seconds(1))
        held.client?.close()
        (held.client, held.port) = (nil, nil)
        network.run(for: .seconds(1))
        #expect(weakPort == nil && weakClient == nil)
        #expect(isFree(host))
    }

    private func prepare(_ caller: ICEClient, _ answerer: ICEClient, onData: @escaping () -> Void) throws {
        try caller.setRemoteParameters(answerer.localParameters)
        try answerer.setRemoteParameters(caller.localParameters)
        caller.onCandidate = { [weak answerer] in answerer?.addRemoteCandidate($0) }
        answerer.onCandidate = { [weak caller] in caller?.addRemoteCandidate($0) }
        for client in [caller, answerer] {
            client.gatherCandidates()
            client.processCandidates()
        }
        answerer.onData = { _, _ in onData() }
    }

    @Test("Addresses that are gone are closed once no client has them and another one is opened, and not before")
    func rotatingAddresses() throws {
        let (network, host) = makeServer()
        var configuration = SharedPortConfiguration()
        configuration.takesConnections = true
        let port = try SharedPort(on: host, configuration: configuration)
        let number = try #require(port.localAddresses.first).port
        func open() throws -> ICEClient {
            let client = try ICEClient(port: port, configuration: ICEConfiguration())
            client.gatherCandidates()
            network.run(for: .milliseconds(50))
            return client
        }
        func move(from old: IPAddress, to new: IPAddress) {
            host.interface.removeAddress(old)
            host.interface.addAddress(new)
        }
        let first = try open()
        move(from: "192.0.2.10", to: "192.0.2.11")
        let second = try open()
        #expect(port.localAddresses.map(\.ip) == ["192.0.2.10", "192.0.2.11"])
        first.close()
        second.close()
        move(from: "192.0.2.11", to: "192.0.2.12")
        _ = try open()
        #expect(port.localAddresses == [TransportAddress("192.0.2.12", port: number)])
    }

    @Test("A port is let go of while it tells of an unknown username", arguments: [false, true])
    func inIntroduction(isClosed: Bool) throws {
        final class Held {
            var port: SharedPort?
        }
        let (network, host) = makeServer()
        let held = Held()
        held.port = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 4000))
        weak let weakPort = held.port
        var told = 0
        held.port?.onUnknownUsername = { _ in
            told += 1
            if isClosed { held.port?.close() }
            held.port = nil
        }
        let stranger = try ScriptedPeer(
            network, network.makeHost("stranger", addresses: ["203.0.113.9"]), at: "203.0.113.9:5000")
        let target = try ICEParameters(usernameFragment: "name", password: "aPasswordThatIsLongEnough")
        for _ in 0..<2 { stranger.send(stranger.check(for: target).bytes, to: Self.port) }
        network.run(for: .milliseconds(100))
        #expect(told == 1 && weakPort == nil)
        #expect(isFree(host))
    }
}

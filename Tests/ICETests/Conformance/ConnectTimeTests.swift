import ICE
import ICETesting
import Testing

/// The times a call may take on a clean path, counted from when the later side has the other's first candidate.
@Suite("F15: the time to connect and to nominate")
struct ConnectTimeTests {
    struct Scene: CustomStringConvertible, Sendable {
        let oneWay: Int
        let signalling: Int
        let addressCount: Int
        let servers: [String]
        let isFast: Bool
        let isReversed: Bool
        var description: String {
            "\(oneWay) ms, signalling \(signalling) ms, \(addressCount) addresses, servers \(servers), fast \(isFast), reversed \(isReversed)"
        }
    }

    static let scenes: [Scene] = {
        var scenes: [Scene] = []
        for oneWay in [0, 5, 30, 100] {
            for signalling in [0, 7, 60, 300] {
                for addressCount in [1, 4] {
                    for servers in [[], ["stun:203.0.113.1", "stun:203.0.113.2", "stun:nobody.example"]] {
                        for isFast in [false, true] {
                            for isReversed in [false, true] {
                                scenes.append(
                                    Scene(
                                        oneWay: oneWay, signalling: signalling, addressCount: addressCount,
                                        servers: servers,
                                        isFast: isFast, isReversed: isReversed))
                            }
                        }
                    }
                }
            }
        }
        return scenes
    }()

    @Test("F15: connected within a round trip and 10 ms, nominated as soon as the profile promises", arguments: scenes)
    func time(_ scene: Scene) throws {
        let network = SimulatedNetwork(seed: 17)
        let hosts = (0..<2).map { side in
            network.makeHost(
                "host\(side)",
                addresses: (0..<scene.addressCount).map { IPAddress(v4: 0xc000_0201 + UInt32(side << 8 + $0)) })
        }
        for host in hosts { host.link.setConditions(LinkConditions(delay: .microseconds(500 * scene.oneWay))) }
        let servers = try scene.servers.map { try ICEServer(urls: [$0]) }
        let call = SimulatedCall(
            network, hosts[0], hosts[1], signallingDelay: .milliseconds(scene.signalling),
            roles: scene.isReversed ? [.controlled, .controlling] : [.controlling, .controlled]
        ) {
            $0.servers = servers
            if scene.isFast {
                $0.pacing = .fast
                $0.nomination = .eager
            }
        }
        #expect(call.connect(atMost: .seconds(5)))
        #expect(
            network.run(
                until: { !call.nominatedAt.contains(nil) && !call.connectedAt.contains(nil) }, atMost: .seconds(5)))
        let start = try #require(call.introducedAt)
        let roundTrip = Duration.milliseconds(2 * scene.oneWay)
        for side in 0...1 {
            #expect(try #require(call.connectedAt[side]) - start <= roundTrip + .milliseconds(10))
            let limit = scene.isFast ? roundTrip + .milliseconds(10) : roundTrip * 2 + .milliseconds(50)
            #expect(try #require(call.nominatedAt[side]) - start <= limit)
        }
    }

    @Test(
        "The callee may do all its work before the caller hears of it, and the caller is still connected in one round trip"
    )
    func oneSided() throws {
        let (network, a, b) = SimulatedCallTests.hosts(1)
        let call = SimulatedCall(network, a, b, signallingDelay: .milliseconds(500))
        // The offer reaches the callee at once, its answer takes half a second: its checks come first.
        let signal = call.caller.onCandidate
        call.caller.onCandidate = { candidate in
            call.callee.addRemoteCandidate(candidate)
            signal?(candidate)
        }
        try call.callee.setRemoteParameters(call.caller.localParameters)
        let parameters = call.callee.localParameters
        call.signal { try? call.caller.setRemoteParameters(parameters) }
        for client in call.clients {
            client.gatherCandidates()
            client.processCandidates()
        }
        #expect(network.run(until: { call.isConnected }, atMost: .seconds(2)))
        #expect(network.now <= Instant(nanoseconds: 0) + .milliseconds(500 + 100 + 10))
    }
}

import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("What decides how fast a call begins behind NATs")
struct MixedPaceTests {
    @Test(
        "F15: the mapped addresses are checked as soon as they are known, not one Ta after the addresses behind the NATs"
    )
    func secondCheck() throws {
        let network = SimulatedNetwork(seed: 5)
        let server = network.makeHost("stun", addresses: ["192.0.2.10"])
        server.link.setConditions(LinkConditions(delay: .milliseconds(5)))
        _ = try SimulatedSTUNServer(on: server)
        let hosts = ["a", "b"].enumerated().map {
            NATMatrixTests.host($1, .portRestricted, on: network, number: UInt32($0 + 1))
        }
        for host in hosts { host.link.setConditions(LinkConditions(delay: .milliseconds(5))) }
        let servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let call = SimulatedCall(network, hosts[0], hosts[1], signallingDelay: .milliseconds(5)) {
            $0.servers = servers
        }
        var checks: [Instant] = []
        network.interceptor = { packet in
            let isCheck = packet.destination.ip.description.hasPrefix("203.0.113.") && packet.source.ip != "192.0.2.10"
            if packet.sender == "a", isCheck { checks.append(network.now) }
            return .pass
        }
        #expect(call.connect(atMost: .seconds(1)))
        let introduced = try #require(call.introducedAt)
        // One round trip to the server lies between the host's candidate and the mapped one.
        let first = try #require(checks.first)
        #expect(first - introduced <= .milliseconds(25), "\(first - introduced)")
    }

    /// A call over relays, whose direct paths open after two seconds.
    private func call(toICE2 isICE2: Bool) throws -> SimulatedCall {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        let network = scene.network
        let (a, b) = RelayTests.hosts(network, .init(a: .open, b: .open))
        network.interceptor = { packet in
            let isDirect = ![packet.source.ip, packet.destination.ip].contains("192.0.2.10")
            return isDirect && network.now < Instant(nanoseconds: 2_000_000_000) ? .drop : .pass
        }
        let call = SimulatedCall(network, a, b) {
            $0.servers = [scene.urls]
            $0.pacing = .fast
            $0.nomination = .eager
        }
        if !isICE2 {
            var parameters = call.callee.localParameters
            parameters.options = []
            try call.caller.setRemoteParameters(parameters)
            try call.callee.setRemoteParameters(call.caller.localParameters)
            for client in call.clients {
                client.gatherCandidates()
                client.processCandidates()
            }
        } else {
            call.start()
        }
        return call
    }

    @Test(
        "C5.1: towards a peer of RFC 5245, an eager agent nominates a relay at once and the direct pair once it works")
    func aggressive() throws {
        let call = try call(toICE2: false)
        #expect(call.network.run(until: { !call.nominatedAt.contains(nil) }, atMost: .seconds(1)))
        let over = try #require(call.nominatedAt[1]) - #require(call.connectedAt[0])
        #expect(over <= .milliseconds(100), "\(over)")
        #expect(call.caller.selectedPair()?.isRelayed == true)
        call.network.run(for: .seconds(8))
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            #expect(!pair.isRelayed && pair.isNominated)
        }
        #expect(call.isCompleted && call.talk())
    }

    @Test("C5.1: towards a peer of RFC 8445 it holds the relay back, and nominates once")
    func once() throws {
        let call = try call(toICE2: true)
        #expect(call.network.run(until: { !call.nominatedAt.contains(nil) }, atMost: .seconds(1)))
        let over = try #require(call.nominatedAt[0]) - #require(call.connectedAt[0])
        #expect(over >= .milliseconds(100), "\(over)")
        call.network.run(for: .seconds(8))
        #expect(call.nominated.map(\.count) == [1, 1])
    }

    @Test(
        "C4.2: a peer that has to change its role is checked again behind the 487, once, for it may have dropped the first check"
    )
    func checkBehindConflict() throws {
        let call = try ScriptedCall(role: .controlling)
        // The peer is deaf as long as it holds itself for the controlling agent.
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(100))
        #expect(call.peer.requests.count == 1)
        for expected in [2, 2] {
            call.peer.sendCheck(to: call.client) {
                $0.role = .controlling
                $0.tieBreaker = 0
            }
            call.run(.milliseconds(100))
            #expect(call.peer.requests.count == expected)
        }
        #expect(call.peer.responses.map(\.messageClass) == [.failure, .failure])
    }
}

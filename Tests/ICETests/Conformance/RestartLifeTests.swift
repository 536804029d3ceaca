import STUN
import Testing

@testable import ICE
@testable import ICETesting

@Suite("C5.8: restarts at any time, and many of them")
struct RestartLifeTests {
    /// What the STUN requests on the wire say of generations.
    final class Witness {
        private var fragments: [[String]] = [[], []]
        private(set) var stray = 0
        private(set) var requests = 0

        init(_ call: SimulatedCall) {
            note(call)
            call.network.interceptor = { [weak self] packet in
                self?.look(at: packet.bytes)
                return .pass
            }
        }

        /// Notes both sides' present fragments as belonging together.
        func note(_ call: SimulatedCall) {
            for side in 0..<2 { fragments[side].append(call.clients[side].localParameters.usernameFragment) }
        }

        private func look(at bytes: [UInt8]) {
            guard let message = try? STUNMessage(parsing: bytes.span), message.messageClass == .request,
                let name = message[STUNMessage.Username.self]?.value, name.contains(":")
            else { return }
            requests += 1
            let belongs = zip(fragments[0], fragments[1]).contains { name == "\($0):\($1)" || name == "\($1):\($0)" }
            if !belongs { stray += 1 }
        }
    }

    func call(_ configure: (inout ICEConfiguration) -> Void = { _ in }) -> SimulatedCall {
        let (network, a, b) = SimulatedCallTests.hosts(14)
        return SimulatedCall(network, a, b, configure: configure)
    }

    func exchange(_ call: SimulatedCall) throws {
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
    }

    @Test("Both restart at once: their offers cross, one new generation comes of it", arguments: [0, 50, 2000])
    func glare(_ delay: Int) throws {
        let call = call()
        #expect(call.connect())
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        let witness = Witness(call)
        for client in call.clients { client.restart() }
        witness.note(call)
        for (client, peer) in [(call.caller, call.callee), (call.callee, call.caller)] {
            let parameters = client.localParameters
            call.network.schedule(after: .milliseconds(delay)) { try? peer.setRemoteParameters(parameters) }
        }
        for _ in 0..<300 {
            for client in call.clients { try client.send("x") }
            call.network.run(for: .milliseconds(20))
        }
        #expect(call.isCompleted)
        #expect(call.nominated.map(\.count) == [2, 2])
        #expect(call.received.allSatisfy { $0.count >= 298 })
        #expect(witness.stray == 0 && witness.requests > 0)
    }

    @Test("A restart at any moment of a call's beginning leads to one that works", arguments: 2..<32)
    func anyMoment(_ step: Int) throws {
        let (network, a, b) = SimulatedCallTests.hosts(UInt64(step))
        let stun = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.10"]))
        stun.delay = .milliseconds(150)
        let servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let call = SimulatedCall(network, a, b, signallingDelay: .milliseconds(20)) { $0.servers = servers }
        call.start()
        network.run(for: .milliseconds(step * 12))
        for client in call.clients { client.restart() }
        let ends = EndCounter(call)
        let parameters = call.clients.map(\.localParameters)
        call.signal { try? call.caller.setRemoteParameters(parameters[1]) }
        call.signal { try? call.callee.setRemoteParameters(parameters[0]) }
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        #expect(call.talk())
        #expect(ends.counts == [1, 1])
        #expect(!call.states.joined().contains(.failed))
    }

    /// Counts the ends of candidates that are told.
    final class EndCounter {
        private(set) var counts = [0, 0]

        init(_ call: SimulatedCall) {
            for (index, client) in call.clients.enumerated() {
                let signal = client.onCandidate
                client.onCandidate = { [weak self] candidate in
                    if candidate == nil { self?.counts[index] += 1 }
                    signal?(candidate)
                }
            }
        }
    }

    @Test("Sockets are kept: a restart tells the same addresses, and opens no port")
    func socketsStay() throws {
        let call = call()
        #expect(call.connect())
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        let before = call.clients.map { $0.localCandidates.map(\.address) }
        let ports = call.network.hosts.map { $0.datagramPorts.keys.sorted() }
        for client in call.clients { client.restart() }
        try exchange(call)
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.clients.map { $0.localCandidates.map(\.address) } == before)
        #expect(call.network.hosts.map { $0.datagramPorts.keys.sorted() } == ports)
    }

    @Test(
        "A hundred restarts in a row, waited for or not, leave one generation and nothing else",
        arguments: [true, false])
    func hundred(_ areWaitedFor: Bool) throws {
        let scene = try RelayScene()
        let network = scene.network
        let stun = try ICEServer(urls: ["stun:192.0.2.1:3478"])
        let servers = [stun, try RelayScene.urls(RelayScene.url(.udp))]
        var counts: [[Int]] = []
        weak var caller: ICEClient?
        weak var callee: ICEClient?
        do {
            let call = SimulatedCall(network, scene.a, scene.b) { $0.servers = servers }
            (caller, callee) = (call.caller, call.callee)
            #expect(call.connect())
            #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
            let witness = Witness(call)
            for round in 0..<100 {
                for client in call.clients { client.restart() }
                witness.note(call)
                try exchange(call)
                if areWaitedFor {
                    #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)), "round \(round)")
                    network.run(for: .seconds(4))
                } else {
                    network.run(for: .milliseconds(round % 7 * 10))
                }
                for client in call.clients { try client.send("\(round)") }
                counts.append([
                    scene.server.allocations.count, scene.a.datagramPorts.values.joined().count,
                    call.caller.localCandidates.count, call.caller.remoteCandidates.count,
                    call.caller.candidatePairs.count,
                ])
            }
            #expect(network.run(until: { call.isCompleted }, atMost: .seconds(10)))
            network.run(for: .seconds(10))
            #expect(scene.server.allocations.count <= 2)
            #expect(scene.a.datagramPorts.values.joined().count == 1)
            #expect(call.talk())
            #expect(witness.stray == 0)
            #expect(!call.states.joined().contains(.failed) && !call.states.joined().contains(.disconnected))
            if areWaitedFor {
                #expect(call.nominated.map(\.count) == [101, 101])
                #expect(counts.allSatisfy { $0 == counts[0] }, "\(counts.last ?? [])")
                #expect(call.received.allSatisfy { $0.count >= 100 })
            }
            call.close()
            network.interceptor = nil
        }
        #expect(caller == nil && callee == nil)
        network.run(for: .seconds(2))
        #expect(scene.server.allocations == [])
        #expect(scene.a.datagramPorts.values.joined().isEmpty)
    }

    @Test("After failure a restart works as often as it is needed", arguments: [1, 3])
    func afterFailures(_ count: Int) throws {
        let call = call()
        call.network.hosts[0].link.isCut = true
        call.start()
        for _ in 0..<count {
            #expect(call.network.run(until: { call.hasFailed }, atMost: .seconds(100)))
            for client in call.clients { client.restart() }
            #expect(call.clients.allSatisfy { $0.state == .checking && $0.failure == nil })
            try exchange(call)
        }
        call.network.hosts[0].link.isCut = false
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(60)))
        #expect(call.talk())
    }

    @Test("Once the new pair is nominated nothing more goes over the old one, and its credentials are not answered")
    func oldGenerationEnds() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let old = call.client.localParameters
        call.client.restart()
        call.run(.seconds(20))
        // The old pair is still in use: it is checked, and its checks are answered.
        let retired = "\(call.peer.parameters.usernameFragment):\(old.usernameFragment)"
        #expect(call.peer.requests.last?[STUNMessage.Username.self]?.value == retired)
        let parameters = try ICEParameters(usernameFragment: "peer2", password: call.peer.parameters.password)
        try call.client.setRemoteParameters(parameters)
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.nominated.count == 2 }, atMost: .seconds(5)))
        call.run(.milliseconds(100))
        let before = call.peer.requests.count
        call.run(.seconds(30))
        #expect(call.peer.requests.count > before)
        #expect(!call.peer.requests[before...].contains { $0[STUNMessage.Username.self]?.value == retired })
        let answers = call.peer.responses.count
        call.peer.send(call.peer.check(for: old).bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(100))
        #expect(call.peer.responses.dropFirst(answers).allSatisfy { $0.messageClass == .failure })
    }
}

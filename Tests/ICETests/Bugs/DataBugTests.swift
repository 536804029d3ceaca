import ICETesting
import STUN
import Testing

@testable import ICE
@testable import ICECore

@Suite("H, C5.5: data that once was taken, or was not")
struct DataBugTests {
    private let mark: [UInt8] = [200, 1]

    /// Whether data from a peer's socket is delivered.
    private func delivers(_ call: ScriptedCall, from peer: ScriptedPeer) -> Bool {
        let before = call.received.count
        peer.send(mark, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(20))
        return call.received.count == before + 1
    }

    @Test("C5.5, H20: data that comes behind an early check is taken before the peer's answer is there")
    func beforeAnswer() throws {
        let call = try ScriptedCall()
        let stranger = try NominationBugTests.second(call)
        try call.start(withCredentials: false)
        #expect(!delivers(call, from: call.peer))
        stranger.sendCheck(to: call.client) { $0.password = "thisIsNotThePasswordAtAll" }
        call.peer.sendCheck(to: call.client)
        #expect(delivers(call, from: call.peer))
        #expect(!delivers(call, from: stranger))
        #expect(call.client.statistics().foreignDatagrams == 2)
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.seconds(1))
        #expect(call.client.state == .connected)
        #expect(delivers(call, from: call.peer))
    }

    @Test("C5.5, H20: what was let in early is let in no longer once it is known to be another session's")
    func earlyStranger() throws {
        let call = try ScriptedCall()
        let stranger = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001", name: "stranger")
        try call.start(withCredentials: false)
        for peer in [call.peer, stranger] {
            peer.sendCheck(to: call.client)
            #expect(delivers(call, from: peer))
        }
        try call.client.setRemoteParameters(call.peer.parameters)
        #expect(delivers(call, from: call.peer))
        #expect(!delivers(call, from: stranger))
    }

    @Test("C4.1, C5.5: early checks from many sources let in no more of them than are remembered")
    func earlyFlood() throws {
        let call = try ScriptedCall()
        try call.start(withCredentials: false)
        let place = call.client.localCandidates[0].address
        let sources = (0..<500).map { TransportAddress("203.0.113.9", port: UInt16(2000 + $0)) }
        for source in sources {
            call.network.inject(call.peer.check(for: call.client.localParameters).bytes, from: source, to: place)
        }
        call.run(.milliseconds(50))
        for source in sources { call.network.inject(mark, from: source, to: place) }
        call.run(.milliseconds(50))
        #expect(call.received.count == 32)
    }

    @Test(
        "C5.5, C5.8: what the generation before let in is let in until the call has moved, and no longer",
        arguments: [Role.controlling, .controlled])
    func earlierGeneration(_ role: Role) throws {
        let call = try ScriptedCall(role: role)
        let other = try NominationBugTests.second(call)
        #expect(try call.connect())
        other.sendCheck(to: call.client) { $0.role = role.opposite }
        for peer in [call.peer, other] { #expect(delivers(call, from: peer)) }
        call.client.restart()
        let again = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7002", name: "again")
        try call.client.setRemoteParameters(again.parameters)
        for peer in [call.peer, other] { #expect(delivers(call, from: peer)) }
        call.client.addRemoteCandidate(again.candidate())
        if role == .controlled {
            again.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        }
        call.run(.seconds(1))
        #expect(call.nominated.last?.remote.address == again.address)
        let before = call.client.statistics()
        for peer in [call.peer, other] { #expect(!delivers(call, from: peer)) }
        #expect(delivers(call, from: again))
        let after = call.client.statistics()
        #expect(after.foreignDatagrams == before.foreignDatagrams + 2)
        #expect(after.packetsReceived == before.packetsReceived + 1)
    }

    @Test("C5.5, C5.8: an address that the new generation knows as well stays")
    func sameAddress() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let address = call.peer.address
        call.peer.socket.close()
        call.client.restart()
        let again = try ScriptedPeer(call.network, call.peerHost, at: address, name: "again")
        try call.client.setRemoteParameters(again.parameters)
        call.client.addRemoteCandidate(again.candidate())
        call.run(.seconds(1))
        #expect(call.nominated.count == 2)
        #expect(delivers(call, from: again))
    }

    @Test("C5.5, C5.8: the old generation's addresses stay until all components have moved")
    func oneOfTwo() throws {
        let call = try ScriptedCall()
        for _ in 0..<2 { try call.client.addStream() }
        let other = try NominationBugTests.second(call)
        try call.start()
        let places = call.client.localCandidates.map(\.address)
        for (index, peer) in [call.peer, other].enumerated() {
            var candidate = peer.candidate()
            candidate.stream = StreamID(index)
            call.client.addRemoteCandidate(candidate)
        }
        call.run(.seconds(1))
        call.client.restart()
        let again = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7002", name: "again")
        try call.client.setRemoteParameters(again.parameters)
        for (stream, count) in [(0, 3), (1, 1)] {
            var candidate = again.candidate()
            candidate.stream = StreamID(stream)
            call.client.addRemoteCandidate(candidate)
            call.run(.seconds(1))
            #expect(call.nominated.count == 3 + stream)
            let before = call.received.count
            for (peer, place) in [(call.peer, places[0]), (other, places[1]), (again, places[stream])] {
                peer.send(mark, to: place)
            }
            call.run(.milliseconds(20))
            #expect(call.received.count == before + count)
        }
    }

    @Test("C5.5, C5.8: a stream that is removed before it has moved keeps nothing of the old generation alive")
    func removedBeforeMove() throws {
        let call = try ScriptedCall()
        for _ in 0..<2 { try call.client.addStream() }
        try call.start()
        for stream in 0..<2 {
            var candidate = call.peer.candidate()
            candidate.stream = StreamID(stream)
            call.client.addRemoteCandidate(candidate)
        }
        call.run(.seconds(1))
        #expect(call.client.state == .connected)
        call.client.restart()
        let again = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7002", name: "again")
        try call.client.setRemoteParameters(again.parameters)
        call.client.addRemoteCandidate(again.candidate())
        call.run(.seconds(1))
        #expect(delivers(call, from: call.peer) && delivers(call, from: again))
        call.client.removeStream(StreamID(1))
        #expect(!delivers(call, from: call.peer))
        #expect(delivers(call, from: again))
    }

    @Test("C5.5, C5.8: an address that the new generation knows is let in, though the old one's consent ran out there")
    func consentLostOnKnownAddress() throws {
        let call = try ScriptedCall(role: .controlled)
        #expect(try call.connect())
        call.client.restart()
        let address = call.peer.address
        call.peer.socket.close()
        let again = try ScriptedPeer(call.network, call.peerHost, at: address, name: "again")
        try call.client.setRemoteParameters(again.parameters)
        call.client.addRemoteCandidate(again.candidate())
        // The peer has forgotten its old password, and takes its time to nominate.
        #expect(call.network.run(until: { !call.failures.isEmpty }, atMost: .seconds(40)))
        #expect(call.failures.map(\.1.code) == [.consentExpired])
        #expect(delivers(call, from: again))
    }

    @Test(
        "C5.5, E2.2: what comes from an address whose consent ran out is not taken, during a restart and without one",
        arguments: [false, true])
    func consentLost(_ restarts: Bool) throws {
        let call = try ScriptedCall()
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.selectedPair()?.isNominated == true }, atMost: .seconds(2)))
        #expect(delivers(call, from: call.peer))
        if restarts { call.client.restart() }
        call.peer.answer = { _, _, _ in nil }
        #expect(call.network.run(until: { call.client.selectedPair() == nil }, atMost: .seconds(40)))
        #expect(!delivers(call, from: call.peer))
    }

    @Test("C5.5: a peer that comes from a thousand ports, one after the other, may send from the last 256")
    func manyPorts() throws {
        let call = try ScriptedCall { $0.gatheringPolicy = .continually }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(1))
        let place = call.client.localCandidates[0].address
        let ports = (10_000..<11_000).map { TransportAddress("198.51.100.1", port: $0) }
        for port in ports {
            let check = call.peer.check(for: call.client.localParameters)
            call.network.inject(check.bytes, from: port, to: place)
            call.run(.seconds(2))
        }
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        let before = call.received.count
        for port in ports { call.network.inject(mark, from: port, to: place) }
        call.run(.seconds(1))
        #expect(call.received.count - before == 255)
        // The one in use came first, and stays.
        #expect(delivers(call, from: call.peer))
    }

    @Test("A closure that removes the stream when it is told of events ahead of data gets none of that data")
    func removedAhead() throws {
        let call = try ScriptedCall()
        let mark = mark
        var isRemoved = false
        call.client.onStateChange = { [weak client = call.client] state in
            guard state == .connected else { return }
            isRemoved = true
            client?.removeStream(StreamID(0))
        }
        // The data is there in the same turn as the answer whose event comes before it.
        call.peer.answer = { peer, request, source in
            peer.send(peer.success(to: request, mapped: source).bytes, to: source)
            peer.send(mark, to: source)
            return nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(1))
        #expect(isRemoved)
        #expect(call.received.isEmpty)
    }

    // MARK: What was counted

    @Test("An address that is let in no more leaves the others' traffic where it belongs, and tells its own")
    func expelledTraffic() throws {
        let network = SimulatedNetwork(seed: 1)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        let socket = try host.bind("192.0.2.1:5000")
        let place = ClientSocket(id: SocketID(number: 0), socket: socket, path: .first, of: ClientReference())
        let addresses = (0..<4).map { TransportAddress("198.51.100.1", port: UInt16(7000 + $0)) }
        let datagram = [UInt8](repeating: 0, count: 10)
        func isAccepted(from index: Int) -> Bool {
            place.accept(DatagramBatch(only: datagram.span), from: addresses[index], at: host.now)
        }
        func expel(_ index: Int) -> UInt64? { place.expel(addresses[index])?.packetsReceived }
        for index in addresses.indices {
            place.admit(addresses[index])
            for _ in 0...index { #expect(isAccepted(from: index)) }
        }
        #expect(expel(1) == 2)
        #expect(expel(1) == nil)
        #expect(!isAccepted(from: 1) && isAccepted(from: 3))
        #expect(addresses.map { place.traffic(with: $0)?.packetsReceived } == [1, nil, 3, 5])
        #expect(expel(3) == 5)
        #expect(expel(0) == 1)
        #expect(isAccepted(from: 2))
        #expect(place.traffic(with: addresses[2])?.packetsReceived == 4)
    }
}

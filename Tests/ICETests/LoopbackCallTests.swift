import ICE
import Testing

@Suite("Two clients on one libuv loop")
struct LoopbackCallTests {
    @Test("They find each other, nominate and talk both ways", arguments: [PacingProfile.standard, .fast, .server])
    func call(_ pacing: PacingProfile) throws {
        let loop = try EventLoop()
        let call = LoopbackCall(on: loop) { $0.pacing = pacing }
        call.start()
        #expect(loop.run(until: { call.states == [.completed, .completed] }, atMost: .seconds(10)))
        #expect(call.a.selectedPair()?.isNominated == true)
        #expect(call.b.selectedPair()?.isNominated == true)
        try call.a.send("ping")
        try call.b.send("Hello")
        #expect(loop.run(until: { call.received.allSatisfy { !$0.isEmpty } }, atMost: .seconds(5)))
        #expect(call.received == [["Hello"], ["ping"]])
        call.close()
        loop.close()
    }

    @Test("Checks that cross lead to no other ones where the answers have arrived as well")
    func burst() throws {
        let loop = try EventLoop()
        let call = LoopbackCall(on: loop) { $0.pacing = .server }
        call.start()
        #expect(loop.run(until: { call.states == [.completed, .completed] }, atMost: .seconds(10)))
        let sent = call.clients.flatMap { $0.statistics().candidatePairs }.reduce(0) { $0 + $1.requestsSent }
        // One each, and the nomination.
        #expect(sent == 3)
        call.close()
        loop.close()
    }

    @Test("C5.9: a full agent and a lite one, or two lite ones, do so as well", arguments: [false, true])
    func lite(_ areBothLite: Bool) throws {
        let loop = try EventLoop()
        let call = LoopbackCall(on: loop, configure: { $0.isLite = areBothLite }, configureSecond: { $0.isLite = true })
        call.start()
        #expect(loop.run(until: { call.states == [.completed, .completed] }, atMost: .seconds(10)))
        for client in call.clients { try client.send("ping") }
        #expect(loop.run(until: { call.received == [["ping"], ["ping"]] }, atMost: .seconds(5)))
        call.close()
        loop.close()
    }
}

/// Two clients whose signalling is a function call.
final class LoopbackCall {
    let a: ICEClient
    let b: ICEClient
    var received: [[String]] = [[], []]
    var clients: [ICEClient] { [a, b] }
    var states: [ICEState] { clients.map(\.state) }

    init(
        on loop: EventLoop, configure: (inout ICEConfiguration) -> Void = { _ in },
        configureSecond: (inout ICEConfiguration) -> Void = { _ in }
    ) {
        var configuration = ICEConfiguration(role: .controlling)
        configuration.includesLoopback = true
        configuration.localAddresses = [.loopback(.v4)]
        configure(&configuration)
        a = ICEClient(loop: loop, configuration: configuration)
        configuration.role = configuration.role.opposite
        configureSecond(&configuration)
        b = ICEClient(loop: loop, configuration: configuration)
        connect(a, to: b, index: 0)
        connect(b, to: a, index: 1)
    }

    private func connect(_ client: ICEClient, to peer: ICEClient, index: Int) {
        client.onCandidate = { [weak peer] candidate in peer?.addRemoteCandidate(candidate) }
        client.onData = { [weak self] bytes, _ in
            self?.received[index].append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
        }
    }

    func start() {
        try? a.setRemoteParameters(b.localParameters)
        try? b.setRemoteParameters(a.localParameters)
        for client in clients {
            client.gatherCandidates()
            client.processCandidates()
        }
    }

    func close() {
        for client in clients { client.close() }
    }
}

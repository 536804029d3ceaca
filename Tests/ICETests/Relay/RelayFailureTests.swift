import ICETesting
import STUN
import Testing

@testable import ICE

/// What can be wrong with a server that answers.
enum Refusal: CaseIterable {
    case wrongPassword, expired, quota, capacity, forbidden

    var code: Int {
        switch self {
        case .wrongPassword, .expired: 401
        case .quota: 486
        case .capacity: 508
        case .forbidden: 403
        }
    }

    var password: String { self == .wrongPassword ? "wrong" : "secret" }

    var advice: String {
        switch self {
        case .wrongPassword, .expired: "check the username and the credential"
        case .quota: "the user has as many allocations"
        case .capacity: "the server is full"
        case .forbidden: "the server's rules forbid it"
        }
    }

    func apply(to server: SimulatedTURNServer) {
        switch self {
        case .wrongPassword: break
        // What a server does with a user name whose time has passed: it knows it no more.
        case .expired: server.settings.users = [:]
        case .quota: server.settings.allocationsPerUser = 0
        case .capacity: server.settings.allocationLimit = 0
        case .forbidden: server.fail(.allocate, with: .forbidden, times: 100)
        }
    }
}

/// What can be wrong with a server that does not.
enum Silence: CaseIterable {
    case neverAnswers, closedPort, unknownName, slowName, disappears

    func apply(to scene: RelayScene) {
        switch self {
        case .neverAnswers: scene.isSilent = true
        case .closedPort, .unknownName: break
        case .slowName: scene.network.names.delay = .seconds(60)
        case .disappears:
            let (network, end) = (scene.network, scene.network.now + .seconds(2))
            func watch() {
                if scene.server.counters.errors[401] != nil { scene.isSilent = true }
                if network.now < end, !scene.isSilent { network.schedule(after: .milliseconds(1), watch) }
            }
            watch()
        }
    }

    /// How many packets a client sends, from the first to the last: a stream's are split anywhere.
    func packetCounts(_ transport: TransportProtocol) -> ClosedRange<Int> {
        switch (self, transport) {
        case (.unknownName, _), (.slowName, _): 0...0
        case (.closedPort, _): 1...1
        case (.neverAnswers, .udp): 6...6
        case (.disappears, .udp): 7...7
        // OpenSSL repeats the first flight after one, three and seven seconds of the system's clock.
        case (.neverAnswers, .dtls): 1...4
        case (.neverAnswers, _), (.disappears, _): 2...60
        }
    }

    func url(_ transport: TransportProtocol) -> String {
        switch self {
        case .neverAnswers, .disappears: RelayScene.url(transport)
        case .closedPort: RelayScene.url(transport, port: 9)
        case .unknownName: RelayScene.url(transport, host: "nobody.example")
        case .slowName: RelayScene.url(transport, host: "turn.example")
        }
    }
}

@Suite("Calls with a TURN server that gives no relay")
struct RelayFailureTests {
    /// A call that a server's fault must not touch, and what was told of the fault.
    final class Watched {
        let scene: RelayScene
        let call: SimulatedCall
        var errors: [CandidateError] = []
        var gatheredAt: Instant?

        init(_ scene: RelayScene, _ server: ICEServer) {
            self.scene = scene
            call = SimulatedCall(scene.network, scene.a, scene.b) { $0.servers = [server] }
            call.caller.onCandidateError = { [unowned self] in errors.append($0) }
            call.caller.onGatheringStateChange = { [unowned self] state in
                if state == .complete { gatheredAt = gatheredAt ?? scene.network.now }
            }
        }

        /// Connects without the relay, gathers in time, then goes on for ten minutes.
        func run(gathering limit: Duration) throws {
            let network = scene.network
            #expect(call.connect(atMost: .milliseconds(500)))
            #expect(network.run(until: { self.gatheredAt != nil }, atMost: limit))
            #expect(network.run(until: { self.call.isCompleted }, atMost: .seconds(30)))
            network.run(for: .seconds(1))
            let rest = network.now
            network.run(for: .seconds(600))
            #expect(scene.packets(since: rest) == [])
            #expect(call.isCompleted && call.talk())
            #expect(call.clients.allSatisfy { $0.selectedPair()?.local.kind == .host })
            #expect(call.clients.allSatisfy { $0.relays.isEmpty })
            call.close()
            network.run(for: .seconds(2))
            #expect(scene.server.allocations == [])
        }
    }

    @Test("B4.5: a refusal is told once, and asked for once", arguments: Refusal.allCases, TransportProtocol.allCases)
    func refused(refusal: Refusal, transport: TransportProtocol) throws {
        let scene = try RelayScene()
        refusal.apply(to: scene.server)
        let url = RelayScene.url(transport)
        let watched = Watched(scene, try RelayScene.urls(url, password: refusal.password))
        try watched.run(gathering: .seconds(1))
        #expect(watched.errors.map(\.errorCode) == [refusal.code])
        #expect(watched.errors.map(\.url) == [url])
        let text = watched.errors.first?.description ?? ""
        #expect(text.contains("; \(refusal.advice)"), "\(text)")
        #expect(!text.contains("secret") && !text.contains("wrong"))
        // One that is challenged and one with credentials, from each side; then one for the mapped address where resources lack.
        let isFull = transport == .udp && (refusal == .quota || refusal == .capacity)
        #expect(scene.server.counters.requests == (isFull ? [.allocate: 4, .binding: 2] : [.allocate: 4]))
    }

    @Test("B1.11: a server that has no allocation left is asked for the mapped address instead", arguments: [486, 508])
    func mappedInsteadOfRelayed(code: Int) throws {
        let scene = try RelayScene()
        scene.server.fail(.allocate, with: STUNMessage.ErrorCode(code: code, reason: "Full"), times: 100)
        let nat = scene.network.makeNAT("nat", external: ["203.0.113.99"], behavior: .portRestricted)
        let host = scene.network.makeHost("inner", addresses: ["10.0.0.2"], behind: nat)
        var configuration = ICEConfiguration()
        configuration.servers = [try RelayScene.urls(RelayScene.url(.udp))]
        let client = ICEClient(on: host, configuration: configuration)
        var errors: [Int] = []
        client.onCandidateError = { errors.append($0.errorCode) }
        client.gatherCandidates()
        #expect(scene.network.run(until: { client.gatheringState == .complete }, atMost: .seconds(2)))
        scene.network.run(for: .milliseconds(1))
        #expect(client.localCandidates.map(\.kind) == [.host, .serverReflexive])
        #expect(client.localCandidates.last?.address.ip == "203.0.113.99")
        #expect(errors == [code])
    }

    @Test(
        "A server that answers every request with the same error is told once, and soon left alone",
        arguments: [400, 420, 437, 438, 440, 441, 442, 500, 599], [TransportProtocol.udp, .tcp])
    func refusedForever(code: Int, transport: TransportProtocol) throws {
        let scene = try RelayScene()
        scene.server.fail(.allocate, with: STUNMessage.ErrorCode(code: code, reason: "No"), times: 10_000)
        let url = RelayScene.url(transport)
        let watched = Watched(scene, try RelayScene.urls(url))
        try watched.run(gathering: .seconds(11))
        #expect(watched.errors.map(\.errorCode) == [code])
        #expect(watched.errors.map(\.url) == [url])
        // From each side the one that is challenged, and no more with credentials than the retries that RFC 8656 §7.4 allows.
        #expect(scene.server.counters.requests[.allocate, default: 0] <= 2 * 7)
    }

    @Test("Nonces that are stale at once are given up", arguments: TransportProtocol.allCases)
    func staleForever(transport: TransportProtocol) throws {
        let scene = try RelayScene()
        scene.server.settings.nonceLifetime = .milliseconds(1)
        let watched = Watched(scene, try RelayScene.urls(RelayScene.url(transport)))
        try watched.run(gathering: .seconds(1))
        #expect(watched.errors.map(\.errorCode) == [438])
        #expect(scene.server.counters.requests[.allocate, default: 0] <= 2 * 7)
    }

    @Test(
        "B4.3: a server that cannot be reached is told once, and left alone then", arguments: Silence.allCases,
        TransportProtocol.allCases)
    func silent(silence: Silence, transport: TransportProtocol) throws {
        let scene = try RelayScene()
        silence.apply(to: scene)
        let url = silence.url(transport)
        let watched = Watched(scene, try RelayScene.urls(url))
        try watched.run(gathering: .seconds(11))
        #expect(watched.errors.map(\.errorCode) == [701])
        #expect(watched.errors.map(\.url) == [url])
        let text = watched.errors.first?.errorText ?? ""
        #expect(text.contains("check"), "\(text)")
        let packets = scene.packets()
        // One socket or connection, no second try; what UDP repeats in ten seconds, and the release of what may be there.
        #expect(Set(packets.map(\.source)).count == (silence == .unknownName || silence == .slowName ? 0 : 1))
        #expect(silence.packetCounts(transport).contains(packets.count), "\(packets.count)")
    }
}

@Suite("TURN clients whose server gives nothing")
struct TURNRefusalTests {
    @Test(
        "A refusal is one event, and nothing is sent after it", arguments: Refusal.allCases, TransportProtocol.allCases)
    func refused(refusal: Refusal, transport: TransportProtocol) throws {
        let scene = try RelayScene()
        refusal.apply(to: scene.server)
        let client = try scene.turnClient(transport, password: refusal.password)
        let told = Told(client)
        client.allocate()
        scene.network.run(for: .seconds(2))
        let rest = scene.network.now
        scene.network.run(for: .seconds(600))
        #expect(told.refusals == [refusal.code] && told.errors == [] && told.losses == [])
        #expect(scene.server.counters.requests == [.allocate: 2])
        #expect(scene.packets(since: rest) == [])
        client.close()
    }

    @Test(
        "A refused refresh is told once and not repeated, and the end of the allocation is told when it comes",
        arguments: [401, 441])
    func credentialsExpire(code: Int) throws {
        let scene = try RelayScene()
        let client = try scene.turnClient(.udp)
        let told = Told(client)
        client.allocate()
        scene.network.run(for: .seconds(2))
        #expect(client.allocation != nil)
        if code == 401 {
            scene.server.settings.users = [:]
        } else {
            scene.server.fail(
                .refresh, with: STUNMessage.ErrorCode(code: 441, reason: "Wrong Credentials"), times: 1000)
        }
        scene.network.run(for: .seconds(700))
        // The allocation lives on until its time has passed.
        #expect(told.refusals == [code] && told.losses == [.allocationGone])
        #expect(told.errors == [])
        #expect(scene.server.counters.requests[.refresh, default: 0] == 1)
        let rest = scene.network.now
        scene.network.run(for: .seconds(600))
        #expect(scene.packets(since: rest) == [])
        #expect(scene.server.allocations == [])
        client.close()
    }

    /// What a client told.
    private final class Told {
        var refusals: [Int] = []
        var errors: [TURNClientError.Code] = []
        var losses: [TURNClientError.Code] = []

        init(_ client: TURNClient) {
            client.onResponseError = { [unowned self] _, code, _ in refusals.append(code) }
            client.onError = { [unowned self] in errors.append($0.code) }
            client.onAllocationLost = { [unowned self] in losses.append($0.code) }
        }
    }
}

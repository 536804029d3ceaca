import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("A shared port that takes TCP connections")
struct TCPSharedPortTests {
    private let scene: SharedScene

    init() throws { scene = try SharedScene { $0.takesConnections = true } }

    private static func overTCP(_ configuration: inout ICEConfiguration) { configuration.transports = .tcp }

    private func host(_ index: Int) -> SimulatedHost {
        let host = scene.network.makeHost(
            "caller \(index)", addresses: [IPAddress(v4: 0xcb00_7100 + UInt32(index))])
        host.streamPieceLimit = index % 3 == 0 ? 5 : nil
        return host
    }

    @Test("Each of many clients has its own calls over one port, told apart by the first check")
    func many() throws {
        var calls: [(caller: ICEClient, answerer: ICEClient)] = []
        for index in 1...20 {
            calls.append(try scene.connect(host(index), caller: Self.overTCP, answerer: Self.overTCP))
        }
        let answerers = calls.map(\.answerer)
        #expect(scene.run(until: answerers, are: [.completed]))
        for call in calls {
            let pair = call.answerer.selectedPair()
            let isOnPort = pair?.local.transport == .tcp(.active) || pair?.local.address == "192.0.2.10:4000"
            #expect(isOnPort)
            #expect(try scene.talks(call))
        }
    }

    @Test("A full client that the peer cannot be connected to from is reached through the port")
    func behindFirewall() throws {
        let nat = scene.network.makeNAT("nat", external: ["198.51.100.1"])
        let inside = scene.network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let call = try scene.connect(inside, caller: Self.overTCP, answerer: Self.overTCP)
        #expect(scene.run(until: [call.caller, call.answerer], are: [.completed]))
        #expect(call.answerer.selectedPair()?.local.address == "192.0.2.10:4000")
        #expect(call.answerer.selectedPair()?.local.transport == .tcp(.passive))
        #expect(try scene.talks(call))
        scene.network.run(for: .seconds(120))
        #expect(try scene.talks(call))
    }

    @Test("A client on demand is made while the connection waits, and gets the check that asked for it")
    func onDemand() throws {
        let credentials = try Credentials(usernameFragment: "room1", password: "0123456789012345678901")
        var made: ICEClient?
        scene.port.onUnknownUsername = { [scene] check in
            guard check.usernameFragment == "room1" else { return }
            made = try? scene.answerer {
                $0.transports = .tcp
                $0.isLite = true
                $0.localCredentials = credentials
                $0.acceptsUnsignalledPeer = true
            }
            made?.gatherCandidates()
            made?.processCandidates()
        }
        let caller = scene.caller(on: host(1), Self.overTCP)
        try caller.setRemoteParameters(ICEParameters(credentials: credentials, isLite: true))
        caller.gatherCandidates()
        caller.processCandidates()
        caller.addRemoteCandidate(
            try Candidate("candidate:1 1 tcp 1518174207 192.0.2.10 4000 typ host tcptype passive"))
        caller.addRemoteCandidate(nil)
        #expect(scene.run(until: [caller], are: [.completed], atMost: .seconds(5)))
        #expect(try scene.talks((caller, #require(made))))
    }

    @Test("Whoever asks for nobody is turned away, and so is what is no check")
    func strangers() throws {
        let call = try scene.connect(host(1), caller: Self.overTCP, answerer: Self.overTCP)
        let stranger = host(2)
        var ended = 0
        let first: [[UInt8]] = [
            Array("\0\u{10}GET / HTTP/1.1\r\n".utf8), Self.framed(Self.check(for: "nobody")), [255, 255, 1, 2],
        ]
        for bytes in first {
            let stream = try stranger.connect(to: "192.0.2.10:4000")
            stream.onConnect = { try? stream.write(bytes) }
            stream.onClose = { _ in ended += 1 }
        }
        #expect(scene.network.run(until: { ended == 3 }, atMost: .seconds(12)))
        #expect(try scene.talks(call))
        let statistics = scene.port.statistics
        #expect(statistics.connections == statistics.identifiedConnections + 3)
        #expect(statistics.identifiedConnections > 0 && statistics.unidentifiedConnections == 3)
    }

    @Test("Connections are counted by what became of them: those that wait are none of either kind")
    func counted() throws {
        let answerer = try scene.answerer { $0.transports = .tcp }
        answerer.gatherCandidates()
        let check = Self.framed(Self.check(for: answerer.localParameters.usernameFragment))
        for (index, bytes) in [[], check].enumerated() {
            let stream = try host(index).connect(to: "192.0.2.10:4000")
            stream.onConnect = { try? stream.write(bytes) }
        }
        scene.network.run(for: .seconds(1))
        // One has asked for nobody, the other with a check that nobody has signed.
        #expect(scene.port.statistics.connections == 2 && scene.port.statistics.unidentifiedConnections == 0)
        #expect(scene.network.run(until: { scene.port.statistics.unidentifiedConnections == 2 }, atMost: .seconds(12)))
        #expect(scene.port.statistics.identifiedConnections == 0)
        // From behind a NAT the caller alone can connect.
        let nat = scene.network.makeNAT("nat", external: ["198.51.100.1"])
        let inside = scene.network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let call = try scene.connect(inside, caller: Self.overTCP, answerer: Self.overTCP)
        #expect(scene.run(until: [call.caller, call.answerer], are: [.completed]))
        #expect(scene.port.statistics.connections == 3 && scene.port.statistics.identifiedConnections == 1)
        call.caller.close()
        call.answerer.close()
        scene.network.run(for: .seconds(1))
        #expect(scene.port.statistics.identifiedConnections == 1)
        #expect(scene.port.statistics.unidentifiedConnections == 2)
    }

    @Test("What follows the first check in the same segment goes to the client, too")
    func oneSegment() throws {
        let answerer = try scene.answerer { $0.transports = .tcp }
        answerer.gatherCandidates()
        let check = Self.framed(Self.check(for: answerer.localParameters.usernameFragment))
        let stream = try host(1).connect(to: "192.0.2.10:4000")
        var heard = 0
        stream.onConnect = { try? stream.write(check + check + check.dropLast(3)) }
        stream.onBytes = { heard += $0.count }
        // None of them is signed: each is told so.
        scene.network.run(for: .seconds(1))
        #expect(answerer.statistics().unauthenticatedRequests == 2)
        #expect(heard > 0)
    }

    @Test("A connection for a client that is there for UDP alone is counted, and closed")
    func unwanted() throws {
        let answerer = try scene.answerer()
        answerer.gatherCandidates()
        let check = Self.framed(Self.check(for: answerer.localParameters.usernameFragment))
        let stream = try host(1).connect(to: "192.0.2.10:4000")
        var hasEnded = false
        stream.onConnect = { try? stream.write(check) }
        stream.onClose = { _ in hasEnded = true }
        #expect(scene.network.run(until: { hasEnded }, atMost: .seconds(1)))
        #expect(scene.port.statistics.unwantedConnections == 1)
        #expect(scene.port.statistics.connections == 1 && scene.port.statistics.unidentifiedConnections == 0)
    }

    @Test("A client for TCP on a port that takes none is told why it has no candidates")
    func notOpen() throws {
        let scene = try SharedScene()
        let answerer = try scene.answerer { $0.transports = .tcp }
        var errors: [CandidateError] = []
        answerer.onCandidateError = { errors.append($0) }
        answerer.gatherCandidates()
        scene.network.run(for: .seconds(1))
        #expect(errors.contains { $0.errorText.contains("takesConnections") }, "\(errors)")
    }

    private static func check(for name: String) -> [UInt8] {
        var request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 7, low: 9))
        request.append(STUNMessage.Username("\(name):peer"))
        request.appendFingerprint()
        return request.bytes
    }

    private static func framed(_ datagram: [UInt8]) -> [UInt8] {
        [UInt8(datagram.count >> 8), UInt8(datagram.count & 255)] + datagram
    }
}

import NetBase
import Testing

@testable import ICECore

@Suite("Candidates over TCP (RFC 6544)")
struct TCPCandidateTests {
    private var locals = LocalCandidates()

    @Test(
        "E4.1: local preference = 2^13 · direction + other (RFC 6544 §4.2)",
        arguments: [
            (Candidate.Kind.host, Candidate.TCPType.active, 0, 6 << 13 + 8191),
            (.host, .passive, 0, 4 << 13 + 8191), (.host, .simultaneousOpen, 3, 2 << 13 + 8188),
            (.relayed, .active, 0, 6 << 13 + 8191), (.relayed, .passive, 9000, 4 << 13),
            (.serverReflexive, .simultaneousOpen, 0, 6 << 13 + 8191), (.serverReflexive, .active, 0, 4 << 13 + 8191),
            (.serverReflexive, .passive, 1, 2 << 13 + 8190),
        ] as [(Candidate.Kind, Candidate.TCPType, Int, Int)])
    func localPreference(kind: Candidate.Kind, type: Candidate.TCPType, rank: Int, expected: Int) {
        #expect(Candidate.Transport.tcp(type).localPreference(kind, rank: rank) == expected)
    }

    @Test("E4.1: any direct UDP candidate comes before TCP's, and those before relays")
    func order() {
        func best(_ kind: Candidate.Kind, over transport: Candidate.Transport) -> UInt32 {
            Candidate.priority(kind: kind, over: transport, localPreference: .max, component: .rtp)
        }
        func worst(_ kind: Candidate.Kind, over transport: Candidate.Transport) -> UInt32 {
            Candidate.priority(kind: kind, over: transport, localPreference: 0, component: .rtp)
        }
        let tcp = Candidate.Transport.tcp(.active)
        #expect(worst(.serverReflexive, over: .udp) > best(.host, over: tcp))
        #expect(worst(.host, over: tcp) > best(.peerReflexive, over: tcp))
        #expect(worst(.peerReflexive, over: tcp) > best(.serverReflexive, over: tcp))
        #expect(worst(.serverReflexive, over: tcp) > best(.relayed, over: .udp))
    }

    @Test("E4.1: only so with so and active with passive are paired, and what is passive here waits (RFC 6544 §6.2)")
    func pairing() {
        let all: [Candidate.Transport] = [.udp, .tcp(.active), .tcp(.passive), .tcp(.simultaneousOpen)]
        let pairs = all.flatMap { local in all.filter { local.canCheck($0) }.map { [local, $0] } }
        #expect(
            pairs == [
                [.udp, .udp], [.tcp(.active), .tcp(.passive)], [.tcp(.simultaneousOpen), .tcp(.simultaneousOpen)],
            ])
    }

    @Test("E4.1: active candidates are told with port 9, and directions as tcptype (RFC 6544 §4.5)")
    mutating func text() throws {
        let active = try unwrap(
            locals.addHost(on: 1, base: "192.0.2.1:9", over: .tcp(.active), path: .first, rank: 0))
        let passive = try unwrap(
            locals.addHost(on: 2, base: "192.0.2.1:7000", over: .tcp(.passive), path: .first, rank: 0))
        let udp = try unwrap(locals.addHost(on: 0, base: "192.0.2.1:7000", path: .first, rank: 0))
        #expect(
            active.candidate.description
                == "candidate:1 1 tcp 1524629503 192.0.2.1 9 typ host tcptype active")
        #expect(passive.candidate.description.hasSuffix("192.0.2.1 7000 typ host tcptype passive"))
        #expect(active.candidate.foundation == passive.candidate.foundation)
        #expect(active.candidate.foundation != udp.candidate.foundation)
        #expect(try Candidate(active.candidate.description).transport == .tcp(.active))
    }

    @Test("E4.1: relayed candidates of UDP and TCP are told apart, and the active one is what the server connects from")
    mutating func relayed() throws {
        func add(_ address: TransportAddress, _ socket: SocketID, _ transport: Candidate.Transport) -> LocalCandidate? {
            locals.addRelayed(
                address, on: socket, over: transport, path: .first, server: "203.0.113.1", mapped: nil, rank: 0)
        }
        let udp = try unwrap(add("203.0.113.1:6000", 0, .udp))
        let passive = try unwrap(add("203.0.113.1:6000", 1, .tcp(.passive)))
        let active = try unwrap(add("203.0.113.1:9", 2, .tcp(.active)))
        #expect(active.candidate.foundation == passive.candidate.foundation)
        #expect(active.candidate.foundation != udp.candidate.foundation)
        #expect(udp.candidate.priority > active.candidate.priority)
        #expect(active.candidate.priority > passive.candidate.priority)
        #expect(locals.candidate(on: 2, at: "203.0.113.1:6000") == active)
        #expect(locals.candidate(on: 1, at: "203.0.113.1:7000") == nil)
        // Another allocation of the same server adds an address to connect to, and none to connect from.
        #expect(add("203.0.113.1:6001", 3, .tcp(.passive)) != nil && add("203.0.113.1:9", 4, .tcp(.active)) == nil)
    }

    @Test("A port of TCP is not the port of UDP with the same number")
    func separatePorts() throws {
        var remotes = RemoteCandidates()
        let udp = try Candidate("candidate:1 1 udp 2130706431 192.0.2.9 7000 typ host")
        let tcp = try Candidate("candidate:2 1 tcp 1517125631 192.0.2.9 7000 typ host tcptype passive")
        #expect(remotes.add(signalled: udp, limit: 9) == .added && remotes.add(signalled: tcp, limit: 9) == .added)
        #expect(remotes.add(signalled: tcp, limit: 9) == .duplicate)
        #expect(remotes.candidate(of: .first, at: "192.0.2.9:7000") == udp)
        #expect(remotes.candidate(of: .first, at: "192.0.2.9:7000", over: .tcp(.passive)) == tcp)
    }
}

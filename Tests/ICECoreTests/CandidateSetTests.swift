import NetBase
import Testing

@testable import ICECore

@Suite("Local candidates")
struct LocalCandidatesTests {
    private static let server: IPAddress = "203.0.113.1"

    private var locals = LocalCandidates()

    @Test("C1.4: the only address of a host gets the priority everybody knows")
    mutating func singleHost() throws {
        let host = try unwrap(locals.addHost(on: 0, base: "192.0.2.1:5000", path: .first, rank: 0))
        #expect(host.candidate.priority == 2_130_706_431)
        #expect(host.candidate.description == "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host")
        #expect(host.base == "192.0.2.1:5000" && locals.base(of: 0) == host)
        #expect(
            locals.candidate(on: 0, at: "192.0.2.1:5000") == host
                && locals.candidate(on: 1, at: "192.0.2.1:5000") == nil)
    }

    @Test("A link-local address is signalled without its scope, and bound with it")
    mutating func scope() throws {
        let base = TransportAddress("fe80::1%3", port: 5000)
        let host = try unwrap(locals.addHost(on: 0, base: base, path: .first, rank: 0))
        #expect(host.candidate.address.ip.scopeID == 0 && host.base == base)
    }

    @Test("C1.4: priorities are unique within a stream, whatever the ranks (RFC 8445 §5.1.2)")
    mutating func uniquePriorities() {
        for number in 0..<20 {
            let component = number % 2 + 1
            let address = TransportAddress(IPAddress(v4: 0xc000_0200 + UInt32(number)), port: 5000)
            let socket = SocketID(number: number)
            _ = locals.addHost(on: socket, base: address, path: .path(0, component), rank: number % 3)
            for offset in 0..<3 {
                let mapped = TransportAddress("198.51.100.7", port: UInt16(1000 + 10 * number + offset))
                _ = locals.addServerReflexive(mapped, on: socket, server: Self.server)
            }
        }
        #expect(locals.all.count == 80)
        #expect(Set(locals.all.map(\.candidate.priority)).count == 80)
        #expect(locals.all.allSatisfy { 1...0x7fff_ffff ~= $0.candidate.priority })
    }

    @Test("C1.2: a reflexive candidate has its host as base and related address (RFC 8445 §5.1.1.2)")
    mutating func reflexive() throws {
        _ = locals.addHost(on: 0, base: "192.0.2.1:5000", path: .path(1, 2), rank: 0)
        let reflexive = try unwrap(locals.addServerReflexive("198.51.100.7:6000", on: 0, server: Self.server))
        #expect(reflexive.base == "192.0.2.1:5000" && reflexive.candidate.relatedAddress == "192.0.2.1:5000")
        #expect(reflexive.candidate.path == .path(1, 2) && reflexive.candidate.kind == .serverReflexive)
        #expect(reflexive.candidate.priority == 1_694_498_814)
        #expect(locals.addServerReflexive("198.51.100.7:6001", on: 9, server: Self.server) == nil)
    }

    @Test("C1.2: a relayed candidate is its own base, and none where it equals a host's address")
    mutating func relayed() throws {
        _ = locals.addHost(on: 0, base: "192.0.2.1:5000", path: .first, rank: 0)
        #expect(
            locals.addRelayed("192.0.2.1:5000", on: 1, path: .first, server: Self.server, mapped: nil, rank: 0) == nil)
        let relayed = try unwrap(
            locals.addRelayed("203.0.113.1:6000", on: 1, path: .first, server: Self.server, mapped: nil, rank: 0))
        #expect(relayed.base == "203.0.113.1:6000" && relayed.candidate.address == relayed.base)
    }

    @Test(
        "C1.5: what a server saw is nothing new when it equals the host, or what another server saw (RFC 8445 §5.1.3)")
    mutating func redundant() {
        _ = locals.addHost(on: 0, base: "192.0.2.1:5000", path: .first, rank: 0)
        #expect(locals.addServerReflexive("192.0.2.1:5000", on: 0, server: Self.server) == nil)
        #expect(locals.addServerReflexive("198.51.100.7:6000", on: 0, server: Self.server) != nil)
        #expect(locals.addServerReflexive("198.51.100.7:6000", on: 0, server: "203.0.113.2") == nil)
        #expect(locals.addHost(on: 0, base: "192.0.2.1:5000", path: .first, rank: 1) == nil)
        #expect(locals.all.count == 2)
    }

    @Test("C1.5: what a server saw is told though a check has shown it before, but not the other way round")
    mutating func learnedFirst() throws {
        _ = locals.addHost(on: 0, base: "10.0.0.2:5000", path: .first, rank: 0)
        _ = try unwrap(locals.addPeerReflexive("203.0.113.7:1000", on: 0, priority: 1))
        let reflexive = try unwrap(locals.addServerReflexive("203.0.113.7:1000", on: 0, server: Self.server))
        #expect(reflexive.candidate.kind == .serverReflexive)
        #expect(locals.addServerReflexive("203.0.113.7:1000", on: 0, server: Self.server) == nil)
        #expect(locals.addPeerReflexive("203.0.113.7:1000", on: 0, priority: 1) == nil)
        // What statistics name stays one.
        #expect(Set(locals.all.map(\.id)).count == locals.all.count)
        #expect(locals.candidate(on: 0, at: "203.0.113.7:1000") == reflexive)
    }

    @Test("C1.5, H37: equal addresses with different bases are both kept")
    mutating func differentBases() {
        _ = locals.addHost(on: 0, base: "192.0.2.1:5000", path: .first, rank: 0)
        _ = locals.addHost(on: 1, base: "192.0.2.2:5000", path: .first, rank: 1)
        #expect(locals.addServerReflexive("198.51.100.7:6000", on: 0, server: Self.server) != nil)
        #expect(locals.addServerReflexive("198.51.100.7:6000", on: 1, server: Self.server) != nil)
    }

    @Test("C1.3: foundations are equal for equal type, base address and server, and only then (RFC 8445 §5.1.1.3)")
    mutating func foundations() throws {
        func foundation(_ local: LocalCandidate?) throws -> String {
            try unwrap(local).candidate.foundation.description
        }
        let hostA1 = try foundation(locals.addHost(on: 0, base: "192.0.2.1:5000", path: .path(0, 1), rank: 0))
        let hostA2 = try foundation(locals.addHost(on: 1, base: "192.0.2.1:5001", path: .path(0, 2), rank: 0))
        let hostB = try foundation(locals.addHost(on: 2, base: "192.0.2.2:5000", path: .path(0, 1), rank: 1))
        let mappedA1 = try foundation(locals.addServerReflexive("198.51.100.7:6000", on: 0, server: Self.server))
        let mappedA2 = try foundation(locals.addServerReflexive("198.51.100.7:6001", on: 1, server: Self.server))
        let mappedB = try foundation(locals.addServerReflexive("198.51.100.7:6002", on: 2, server: Self.server))
        let otherServer = try foundation(locals.addServerReflexive("198.51.100.7:6003", on: 0, server: "203.0.113.2"))
        let learned = try foundation(locals.addPeerReflexive("198.51.100.7:6004", on: 0, priority: 1))
        #expect(hostA1 == hostA2 && mappedA1 == mappedA2)
        #expect(Set([hostA1, hostB, mappedA1, mappedB, otherServer, learned]).count == 6)
    }

    @Test("A peer-reflexive candidate has the priority that the check carried (RFC 8445 §7.2.5.3.1)")
    mutating func peerReflexive() throws {
        _ = locals.addHost(on: 0, base: "192.0.2.1:5000", path: .first, rank: 0)
        let learned = try unwrap(locals.addPeerReflexive("198.51.100.7:6000", on: 0, priority: 1_862_270_975))
        #expect(learned.candidate.kind == .peerReflexive && learned.candidate.priority == 1_862_270_975)
        #expect(learned.base == "192.0.2.1:5000" && locals.all.last == learned)
        #expect(locals.addPeerReflexive("198.51.100.7:6000", on: 0, priority: 7) == nil)
        #expect(locals.addPeerReflexive("192.0.2.1:5000", on: 0, priority: 7) == nil)
        #expect(locals.all.last == learned)
    }
}

@Suite("Remote candidates")
struct RemoteCandidatesTests {
    private var remotes = RemoteCandidates()

    private func address(_ number: Int) -> TransportAddress {
        TransportAddress("203.0.113.1", port: UInt16(10_000 + number))
    }

    @Test("A candidate counts once for its component, and once more for another")
    mutating func duplicates() {
        #expect(remotes.add(signalled: .sample("203.0.113.1:7000"), limit: 9) == .added)
        #expect(
            remotes.add(signalled: .sample("203.0.113.1:7000", kind: .relayed, foundation: "2"), limit: 9) == .duplicate
        )
        #expect(remotes.add(signalled: .sample("203.0.113.1:7000", path: .path(0, 2)), limit: 9) == .added)
        #expect(remotes.add(signalled: .sample("203.0.113.1:7000", path: .path(1, 1)), limit: 9) == .added)
        #expect(Array(remotes.candidates(of: .first)).count == 1)
        #expect(remotes.candidate(of: .path(1, 1), at: "203.0.113.1:7000") != nil)
        #expect(remotes.candidate(of: .path(1, 2), at: "203.0.113.1:7000") == nil)
    }

    @Test(
        "D1.3: what was learned from a check takes the signalled candidate's place and keeps its priority (RFC 8838 §11.4)"
    )
    mutating func merge() throws {
        let learned = try unwrap(remotes.learn("203.0.113.1:7000", path: .first, priority: 77, limit: 9))
        #expect(learned.kind == .peerReflexive && learned.priority == 77)
        var expected = Candidate.sample("203.0.113.1:7000", kind: .serverReflexive, foundation: "s")
        let outcome = remotes.add(signalled: expected, limit: 9)
        (expected.priority, expected.alias) = (77, learned.alias)
        #expect(outcome == .merged(expected) && remotes.all == [expected])
        #expect(remotes.add(signalled: expected, limit: 9) == .duplicate)
    }

    @Test("Learned candidates have foundations of their own (RFC 8445 §7.3.1.3)")
    mutating func learnedFoundations() {
        _ = remotes.add(signalled: .sample("203.0.113.1:7000", foundation: "prflx1"), limit: 9)
        for number in 0..<4 { _ = remotes.learn(address(number), path: .path(number % 2), priority: 1, limit: 9) }
        #expect(Set(remotes.all.map(\.foundation)).count == 5)
        #expect(remotes.all.map(\.stream.index) == [0, 0, 1, 0, 1])
    }

    @Test("Signalled and learned candidates are bounded, each kind by itself")
    mutating func limits() {
        for number in 0..<5 { _ = remotes.learn(address(number), path: .first, priority: 1, limit: 3) }
        #expect(remotes.all.count == 3)
        let outcomes = (10..<15).map { remotes.add(signalled: .sample(address($0)), limit: 3) }
        #expect(outcomes == [.added, .added, .added, .refused, .refused])
        #expect(remotes.learn(address(20), path: .first, priority: 1, limit: 3) == nil)
        #expect(remotes.add(signalled: .sample(address(10)), limit: 3) == .duplicate)
    }

    @Test("Candidates signalled as peer-reflexive are bounded too")
    mutating func signalledPeerReflexive() {
        let outcomes = (0..<5).map { remotes.add(signalled: .sample(address($0), kind: .peerReflexive), limit: 3) }
        #expect(outcomes == [.added, .added, .added, .refused, .refused])
    }
}

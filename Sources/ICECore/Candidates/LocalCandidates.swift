package import NetBase

/// Names a socket that the shell opened for the agent.
package struct SocketID: Hashable, Sendable {
    let number: Int
}

/// A candidate of this agent, with the socket that its base is bound to.
package struct LocalCandidate: Hashable, Sendable {
    /// The agent's list of them, what was signalled and each pair have it: they share it.
    private var parts: Shared<Parts>

    private struct Parts: Hashable, Sendable {
        var candidate: Candidate
        let gathered: Candidate
        let socket: SocketID
        let base: TransportAddress
        let localPreference: UInt16
        let rank: Int
        let network: NetworkInfo?
        var isWithheld: Bool
        var decidedGeneration: Int?
        var server: ServerURL?
    }

    /// As it is signalled.
    package var candidate: Candidate { parts.value.candidate }
    package var socket: SocketID { parts.value.socket }
    /// What checks are sent from: the host candidate's address, with its scope (RFC 8445 §4).
    package var base: TransportAddress { parts.value.base }
    var localPreference: UInt16 { parts.value.localPreference }
    /// How far its address, or the way to its server, is from the best one.
    var rank: Int { parts.value.rank }
    /// The server that it was obtained from, where one of the configuration was.
    package var server: ServerURL? {
        get { parts.value.server }
        set { parts.change { $0.server = newValue } }
    }
    /// The network that it belongs to, where that is told.
    var network: NetworkInfo? { parts.value.network }
    /// As it was found: what the application is asked about in each generation.
    var gathered: Candidate { parts.value.gathered }
    /// Whether it is neither signalled nor paired. Others may have it as their base all the same.
    var isWithheld: Bool { parts.value.isWithheld }
    /// The generation in which the application has last said what is to become of it.
    var decidedGeneration: Int? { parts.value.decidedGeneration }

    init(
        candidate: Candidate, socket: SocketID, base: TransportAddress, localPreference: UInt16, rank: Int = 0,
        server: ServerURL? = nil, isWithheld: Bool = false, network: NetworkInfo? = nil
    ) {
        parts = Shared(
            Parts(
                candidate: candidate, gathered: candidate, socket: socket, base: base, localPreference: localPreference,
                rank: rank, network: network, isWithheld: isWithheld, server: server))
    }

    /// Whether it is what the application was told of.
    func isTold(as told: Candidate) -> Bool { gathered == told || (gathered.hostName != nil && gathered.shown == told) }

    /// Whether nobody is to learn its address.
    var isHidden: Bool { isWithheld || candidate.hostName != nil }

    /// Takes what may differ from what was found: foundation, priority and the like are not the application's to choose.
    fileprivate mutating func decide(as signalled: Candidate?, generation: Int) {
        var candidate = gathered
        if let signalled, signalled != candidate {
            candidate.hostName = signalled.hostName
            // Behind a name the address stays what it is.
            if signalled.hostName == nil { candidate.address = signalled.address }
            candidate.relatedAddress = signalled.relatedAddress
            candidate.attributes = signalled.attributes
        }
        parts.change {
            $0.candidate = candidate
            $0.isWithheld = signalled == nil
            $0.decidedGeneration = generation
        }
    }
}

/// The candidates of this agent: unique addresses, foundations and priorities (RFC 8445 §5.1.1 to §5.1.3).
struct LocalCandidates {
    private(set) var all: [LocalCandidate] = []
    /// The most that are signalled of one component.
    var limit = Int.max
    private var foundations: [(key: FoundationKey, foundation: Candidate.Foundation)] = []
    private var foundationCount = 0

    /// RFC 8445 §5.1.1.3: equal if "they are of the same type, their bases have the same IP address, for reflexive and relayed candidates
    /// the STUN or TURN servers used to obtain them have the same IP address, and they were obtained using the same transport protocol".
    private struct FoundationKey: Hashable {
        let kind: Candidate.Kind
        let baseIP: IPAddress
        let serverIP: IPAddress?
        let isTCP: Bool
        let relayTransport: TransportProtocol?
    }

    /// The candidate that is its socket's own address: a host candidate, or a relayed one.
    func base(of socket: SocketID) -> LocalCandidate? {
        all.first { $0.socket == socket && ($0.candidate.kind == .host || $0.candidate.kind == .relayed) }
    }

    /// The candidate that has an address on a socket, signalled or peer-reflexive, or had it before the application gave it another.
    func candidate(on socket: SocketID, at address: TransportAddress) -> LocalCandidate? {
        let known = all.lazy.filter { $0.socket == socket && $0.candidate.address == address }
        return known.first { !$0.isWithheld } ?? known.first
            ?? all.first { $0.socket == socket && $0.gathered.address == address }
            ?? activeRelay(on: socket, at: address.ip)
    }

    /// A server connects from the relayed address itself (RFC 6062 §5.2), whose port an active candidate does not tell: what a peer sees is no
    /// other candidate.
    private func activeRelay(on socket: SocketID, at ip: IPAddress) -> LocalCandidate? {
        all.first {
            $0.socket == socket && $0.gathered.kind == .relayed && $0.gathered.transport == .tcp(.active)
                && $0.base.ip == ip
        }
    }

    /// Whether there is none that may be paired.
    var isEmpty: Bool { all.allSatisfy(\.isWithheld) }

    /// Keeps the application's word on a candidate; nil withholds it.
    ///
    /// - Returns: The candidate as it is to be signalled.
    mutating func decide(on gathered: Candidate, as signalled: Candidate?, generation: Int) -> Candidate? {
        guard let index = all.firstIndex(where: { $0.isTold(as: gathered) }) else { return nil }
        all[index].decide(as: signalled, generation: generation)
        return all[index].isWithheld ? nil : all[index].candidate.shown
    }

    /// Adds the host candidate of a socket.
    ///
    /// - Parameters:
    ///   - rank: The place of its address among the host's addresses, 0 being preferred.
    ///   - isWithheld: Whether it is but the base of others.
    ///   - hostName: What is told in the place of its address.
    mutating func addHost(
        on socket: SocketID, base: TransportAddress, over transport: Candidate.Transport = .udp,
        path: StreamComponent, rank: Int, isWithheld: Bool = false, hostName: String? = nil,
        network: NetworkInfo? = nil
    ) -> LocalCandidate? {
        add(
            .host, at: base.unscoped, related: nil, socket, base, transport, path, server: nil, rank: rank,
            isWithheld: isWithheld, hostName: hostName, network: network)
    }

    /// Adds what a STUN server saw of a socket, or without a server what its port is mapped to; nil if that is nothing new (RFC 8445 §5.1.3).
    ///
    /// It takes the place of what a check has shown of the same address: a name means one candidate.
    mutating func addServerReflexive(
        _ mapped: TransportAddress, on socket: SocketID, server: IPAddress?, url: ServerURL? = nil
    ) -> LocalCandidate? {
        guard let host = base(of: socket) else { return nil }
        let added = add(
            .serverReflexive, at: mapped, related: host.isHidden ? nil : host.candidate.address, socket, host.base,
            host.candidate.transport, host.candidate.path, server: server, url: url, rank: host.rank,
            network: host.network)
        if added != nil {
            all.removeAll {
                $0.socket == socket && $0.gathered.kind == .peerReflexive && $0.candidate.address == mapped
            }
        }
        return added
    }

    /// Adds an allocation on a TURN server; nil if it is nothing new, as where the server is this host.
    ///
    /// - Parameters:
    ///   - mapped: What the server saw, which is the related address (RFC 8839 §5.1); nil hides it.
    ///   - rank: How far the way to the server is from the best one: UDP before DTLS, TCP and TLS.
    mutating func addRelayed(
        _ relayed: TransportAddress, on socket: SocketID, over transport: Candidate.Transport = .udp,
        path: StreamComponent, server: IPAddress, url: ServerURL? = nil, mapped: TransportAddress?, rank: Int,
        network: NetworkInfo? = nil
    ) -> LocalCandidate? {
        let isKnown = all.contains { known in
            known.candidate.address == relayed && known.candidate.path == path
                && known.candidate.transport.isTCP == transport.isTCP
        }
        guard !isKnown else { return nil }
        return add(
            .relayed, at: relayed, related: mapped, socket, relayed, transport, path, server: server, url: url,
            rank: rank, network: network)
    }

    /// No more addresses than this are learned of one socket: the peer says what they are.
    private static let learnedLimit = 16

    /// Adds what the peer saw of a socket (RFC 8445 §7.2.5.3.1), with the PRIORITY that the check carried; nil over the limit.
    mutating func addPeerReflexive(_ mapped: TransportAddress, on socket: SocketID, priority: UInt32) -> LocalCandidate?
    {
        let learnedCount = all.count { $0.socket == socket && $0.candidate.kind == .peerReflexive }
        guard let host = base(of: socket), learnedCount < Self.learnedLimit else { return nil }
        // A connection has a port of its own, but the address that the host candidate hides.
        let name = mapped.ip == host.base.unscoped.ip ? host.candidate.hostName : nil
        var learned = add(
            .peerReflexive, at: mapped, related: host.isHidden ? nil : host.candidate.address, socket, host.base,
            host.candidate.transport, host.candidate.path, server: nil, rank: host.rank, hostName: name,
            network: host.network)
        learned?.set(priority: priority)
        if let learned { all[all.count - 1] = learned }
        return learned
    }

    mutating func removeAll(where shouldGo: (LocalCandidate) -> Bool) {
        all.removeAll(where: shouldGo)
    }

    private mutating func add(
        _ kind: Candidate.Kind, at address: TransportAddress, related: TransportAddress?, _ socket: SocketID,
        _ base: TransportAddress, _ transport: Candidate.Transport, _ path: StreamComponent, server: IPAddress?,
        url: ServerURL? = nil, rank: Int, isWithheld: Bool = false, hostName: String? = nil, network: NetworkInfo?
    ) -> LocalCandidate? {
        let isKnown = all.contains { known in
            guard known.base == base, known.socket == socket else { return false }
            // A host candidate that nobody is told the address of makes no other one redundant, nor does what one check has shown one peer.
            if known.isHidden, known.gathered.kind == .host, kind != .host { return false }
            if known.gathered.kind == .peerReflexive, kind == .serverReflexive { return false }
            return known.candidate.address == address || known.gathered.address == address
        }
        guard !isKnown, kind == .peerReflexive || isWithheld || signalledCount(of: path) < limit else { return nil }
        let key = FoundationKey(
            kind: kind, baseIP: base.ip, serverIP: server, isTCP: transport.isTCP,
            relayTransport: kind == .relayed ? url?.transport : nil)
        let foundation = foundation(for: key)
        let unique = uniquePreference(from: transport.localPreference(kind, rank: rank), kind, path)
        let candidate = Candidate(
            foundation: foundation, path: path, transport: transport,
            priority: Candidate.priority(
                kind: kind, over: transport, localPreference: unique, component: path.component),
            address: address, kind: kind, relatedAddress: related, attributes: network?.attributes ?? [],
            hostName: hostName)
        let local = LocalCandidate(
            candidate: candidate, socket: socket, base: base, localPreference: unique, rank: rank, server: url,
            isWithheld: isWithheld, network: network)
        all.append(local)
        return local
    }

    private mutating func foundation(for key: FoundationKey) -> Candidate.Foundation {
        if let known = foundations.first(where: { $0.key == key }) { return known.foundation }
        foundationCount += 1
        let foundation = Candidate.Foundation(number: foundationCount)
        foundations.append((key, foundation))
        return foundation
    }

    /// Forgets what only candidates of addresses that are gone have in common; numbers are not used again.
    mutating func forgetUnusedFoundations() {
        let used = Set(all.map(\.candidate.foundation))
        foundations.removeAll { !used.contains($0.foundation) }
    }

    private func signalledCount(of path: StreamComponent) -> Int {
        all.count { $0.candidate.path == path && $0.candidate.kind != .peerReflexive && !$0.isWithheld }
    }

    /// RFC 8445 §5.1.2: "each candidate for a data stream MUST have a unique priority".
    private func uniquePreference(from wanted: Int, _ kind: Candidate.Kind, _ path: StreamComponent) -> UInt16 {
        let taken = Set(all.filter { $0.candidate.kind == kind && $0.candidate.path == path }.map(\.localPreference))
        var preference = UInt16(clamping: wanted)
        while taken.contains(preference), preference > 0 { preference -= 1 }
        return preference
    }
}

extension LocalCandidate {
    fileprivate mutating func set(priority: UInt32) {
        var changed = candidate
        changed.priority = priority
        self = LocalCandidate(
            candidate: changed, socket: socket, base: base, localPreference: localPreference, rank: rank,
            network: network)
    }
}

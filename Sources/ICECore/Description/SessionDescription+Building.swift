import NetBase

extension SessionDescription {
    /// An offer or answer of this agent, to which candidates are added with ``setCandidates(_:endOfCandidates:)``.
    ///
    /// Streams without a `mid` get their position as one (RFC 8840 §4.1.1). What is not known yet is written as 0.0.0.0 and port 9.
    public init(
        parameters: ICEParameters, media: [MediaDescription], origin: String = "- 0 0 IN IP4 127.0.0.1"
    ) {
        self.init(origin: origin)
        options = parameters.options
        isLite = parameters.isLite
        // RFC 8839 §4.3.1: "A lite ICE implementation MUST NOT include the "ice-pacing" attribute"; 50 ms is what its absence stands for.
        if !parameters.isLite, parameters.pacingInterval != PacingProfile.defaultPacingInterval {
            pacingInterval = parameters.pacingInterval
        }
        self.media = media
        for index in media.indices {
            self.media[index].mid = media[index].mid ?? String(index)
            guard !media[index].isDisabled else { continue }
            self.media[index].usernameFragment = parameters.usernameFragment
            self.media[index].password = parameters.password
        }
        setCandidates([], endOfCandidates: false)
    }

    /// An offer or answer with one stream for each number of components, for applications whose data is not described by SDP otherwise.
    ///
    /// One component is described as plain datagrams, two as RTP with RTCP; more show in the candidates.
    public init(parameters: ICEParameters, componentCounts: [Int]) {
        let media = componentCounts.map { count in
            count == 2
                ? MediaDescription(kind: "audio", proto: "RTP/AVP", formats: ["0"])
                : MediaDescription(kind: "application", proto: "udp", formats: ["octet-stream"])
        }
        self.init(parameters: parameters, media: media)
    }

    /// Writes the candidates that are known so far into their streams, in the place of earlier ones, and chooses the default
    /// destinations (RFC 8839 §4.2.1.2).
    ///
    /// A stream that still lacks a candidate for one of its components is given no destination, so that no peer sees a mismatch.
    ///
    /// - Parameter endOfCandidates: Whether no more will follow.
    public mutating func setCandidates(_ candidates: some Sequence<Candidate>, endOfCandidates: Bool) {
        var known: [StreamID: [Candidate]] = [:]
        for candidate in candidates { known[candidate.stream, default: []].append(candidate) }
        for index in media.indices where !media[index].isDisabled {
            media[index].candidates = known[StreamID(index)] ?? []
            media[index].endOfCandidates = endOfCandidates
            media[index].remoteCandidates = []
            media[index].chooseDefaults()
        }
    }

    /// Describes what ICE has arrived at: of streams whose components all have a nominated pair, only that pair's candidates
    /// (RFC 8839 §4.4.1.2.2).
    ///
    /// - Parameter role: The agent's own. The controlling agent also names the peer's candidates (RFC 8839 §5.2).
    public mutating func conclude(with nominated: some Sequence<CandidatePair>, role: Role) {
        let pairs = nominated.filter(\.isNominated)
        for index in media.indices where !media[index].isDisabled {
            let own = pairs.filter { $0.path.stream == StreamID(index) }.sorted { $0.path < $1.path }
            guard own.count == media[index].componentCount else { continue }
            media[index].candidates = own.map(\.local)
            media[index].chooseDefaults()
            media[index].remoteCandidates =
                role == .controlled || own.contains { $0.remote.hostName != nil }
                ? [] : own.map { .init(component: $0.path.component, address: $0.remote.address.unscoped) }
        }
    }
}

extension MediaDescription {
    /// Makes the candidate of each component that most likely works for anyone the default destination.
    fileprivate mutating func chooseDefaults() {
        let count = componentCount
        rtcp = nil
        guard let first = defaultAddress(of: .rtp), count < 2 || defaultAddress(of: .rtcp) != nil else {
            let family = candidates.first?.address.family ?? connection?.family ?? .v4
            connection = ConnectionAddress(.any(family))
            port = Self.discardPort
            return
        }
        connection = ConnectionAddress(first.ip)
        port = first.port
        guard count > 1, let second = defaultAddress(of: .rtcp) else { return }
        // RFC 3605 §2.1: the attribute is for ports that are not the next one, and has the address where it is another one.
        let isNext = second.ip == first.ip && first.port < .max && second.port == first.port + 1
        if !isNext {
            rtcp = RTCP(port: second.port, address: second.ip == first.ip ? nil : ConnectionAddress(second.ip))
        }
    }

    /// RFC 5245 §4.1.4: "It is RECOMMENDED that the default candidates are the relayed candidates (if relayed candidates
    /// are available), server reflexive candidates (if server reflexive candidates are available), and finally host
    /// candidates."
    ///
    /// IPv4 goes before IPv6, since it is for peers that know neither ICE nor, perhaps, IPv6.
    private func defaultAddress(of component: ComponentID) -> TransportAddress? {
        func reach(_ candidate: Candidate) -> (Int, Int, UInt32) {
            let kind =
                [Candidate.Kind.host, .peerReflexive, .serverReflexive, .relayed].firstIndex(of: candidate.kind) ?? 0
            return (kind, candidate.address.family == .v4 ? 1 : 0, candidate.priority)
        }
        // draft-ietf-mmusic-mdns-ice-candidates §3.1.2: a name is no default; 0.0.0.0 and port 9 stand in its place.
        return candidates.filter { $0.component == component && $0.transport == .udp && $0.hostName == nil }
            .max { reach($0) < reach($1) }?.address
    }
}

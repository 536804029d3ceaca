public import NetBase

/// How an ICE client works.
///
/// ```swift
/// var configuration = ICEConfiguration(role: .controlling)
/// configuration.servers = [try ICEServer(urls: ["stun:stun.example.org"])]
/// configuration.pacing = .fast
/// ```
public struct ICEConfiguration: Sendable {
    /// When the controlling agent chooses a pair (RFC 8445 §8.1.1).
    public enum Nomination: Hashable, Sendable {
        /// With a check of its own, on a pair that is known to work.
        case regular
        /// With the first check of the best pair, which saves a round trip. RFC 8445 no longer has it; peers accept it.
        case eager
    }

    /// How long candidates are gathered.
    public enum GatheringPolicy: Hashable, Sendable {
        /// Once in each generation, over the addresses there are then. Gathering ends, and the peer may be told of its end.
        case once
        /// For as long as the session lasts: addresses that come are gathered and told of, candidates whose address has gone are withdrawn,
        /// and servers that failed are asked again, after 10 s at first and after 5 min at most.
        ///
        /// Gathering never ends: the gathering state stays ``ICEGatheringState/gathering`` and the session's ``ICEState/connected``.
        case continually
    }

    /// Which candidates are used (`RTCIceTransportPolicy`).
    public enum TransportPolicy: Hashable, Sendable {
        /// All there are.
        case all
        /// Relayed ones only: the peer learns no address of this machine, and nothing is sent or answered from one.
        case relay
        /// All but host candidates, which are neither signalled nor paired: the peer learns what NATs and servers show of this machine.
        /// Related addresses are hidden.
        case noHost
    }

    /// How much of the machine's addresses is used and shown: the modes of RFC 8828 §5.2.
    public enum AddressExposure: Hashable, Sendable {
        /// Mode 1: all interfaces. RFC 8828 wants it where the user has consented to it, as by giving access to a camera.
        case all
        /// Mode 2: the way that packets take by default, one in each address family, with its local address.
        case defaultRoute
        /// Mode 3: the way that packets take by default, without its local address: no host candidates and no related addresses.
        case defaultRouteOnly
        /// Mode 4: nothing leaves but over TCP or TLS to a TURN server; other servers are not asked.
        case proxyOnly
    }

    /// What becomes of names that hide addresses (draft-ietf-mmusic-mdns-ice-candidates).
    public enum MulticastDNS: Hashable, Sendable {
        /// `.local` candidates of the peer are ignored.
        case off
        /// `.local` candidates of the peer are looked up on the local links, and used; browsers send them to whom they do not trust with
        /// their addresses. Nothing is sent to a multicast group, or heard, before the first such candidate.
        case resolve
        /// So they are, and this side's own host addresses are told as such names too, which work on the local links only. Reflexive and
        /// relayed candidates are told as ever, without the address behind them.
        case publish
    }

    /// Which of the two agents decides; the peers settle a conflict by themselves.
    public var role: Role

    /// Whether this is an ICE-lite agent, for servers on public addresses (RFC 8445 §2.5): it has host candidates only, sends no checks,
    /// answers the peer's, and takes the pair that the peer nominates.
    ///
    /// A full peer always controls it. ``servers`` are not asked; each is told as a candidate error. With ``consentInterval`` set, the peer
    /// has to go on checking: after 15 s without a check or data the session is `disconnected`, after ``consentTimeout`` without a check
    /// nothing more is sent and it has failed. Peers without RFC 7675 need nil there. Between two lite agents nothing is checked, and
    /// nothing is watched.
    public var isLite = false

    /// Whether an ICE-lite agent takes a peer that signals nothing: whoever first sends a check that proves to know this agent's password,
    /// as `onUnknownUsername` of a shared port leads to one.
    ///
    /// That check fixes the peer's username fragment for the session: checks that name another one are answered, and lead to nothing.
    /// ``patienceInterval`` counts from the beginning of the checks. `remoteParameters` stays nil, until some with the same fragment are
    /// set. A full agent has to know the peer's password: there it has no effect, of which a candidate error tells.
    public var acceptsUnsignalledPeer = false

    /// The credentials of the first generation, where the application chooses them: for peers that know them beforehand, or from a token.
    /// Nil makes fresh ones, and so does each restart.
    ///
    /// RFC 8445 §5.3 wants 24 random bits in a username fragment and 128 in a password; one pair of credentials serves one session.
    public var localCredentials: Credentials?

    /// STUN and TURN servers, all of which are asked.
    public var servers: [ICEServer] = []

    /// What candidates of this side are reached with: UDP alone, unless told otherwise.
    public var transports: CandidateTransports = .udp

    /// Which candidates are used, and shown to the peer.
    public var transportPolicy = TransportPolicy.all

    /// Which of the machine's addresses are used, and shown to the peer (RFC 8828).
    public var addressExposure = AddressExposure.all

    /// Whether host addresses may hide, or are to hide, behind names of multicast DNS.
    ///
    /// What a name stands for is shown in no candidate, event, statistic, trace or log: a name has the address 0.0.0.0 there. So have peer
    /// reflexive candidates of the peer, which only its checks have shown, until it has told a host address as it is, and no name; with
    /// `publish` for ever, with `off` never. ``ICEClient/shouldAcceptBindingRequest`` alone is told their addresses.
    public var multicastDNS = MulticastDNS.resolve

    /// Whether candidates are gathered once in each generation, or for as long as the session lasts.
    public var gatheringPolicy = GatheringPolicy.once

    /// Whether the client restarts by itself when a component has lost its last path, before ``ICEClient/onRestartNeeded`` tells so: the
    /// application then finds new local parameters to signal. Better paths never make it restart.
    public var restartsByItself = false

    /// How fast checks are sent.
    public var pacing = PacingProfile.standard

    /// When a pair is chosen.
    public var nomination = Nomination.regular

    /// Whether to agree with the peer on later nominations (`renomination` in `ice-options`), so that the controlling agent may move a
    /// call from a relay to a direct path, and from a slower to a faster one, without a restart.
    public var renomination = false

    /// Whether data may go from a relay to a relay before the peer has answered there, which saves a round trip; what the peer's server
    /// does not let in yet is lost. Nothing else is ever sent to an address that has not answered.
    public var presumesRelaysWritable = false

    /// Whether TURN servers are asked for tickets that keep an allocation when a NAT gives this client another address (RFC 8016); where a
    /// server forbids that, gathering from it takes a round trip more.
    public var relayMobility = false

    /// How many further valid pairs are kept alive behind the selected one, with a check in 15 to 20 s each; 0 is RFC 8445's letter.
    public var backupPairs = 2

    /// The most candidate pairs over all checklists (RFC 8445 §6.1.2.5); at least 1.
    public var maximumCandidatePairs = 100

    /// The most candidates of this side that are signalled for one component, at least 1. The machine's addresses come first, the most
    /// preferred of them before the others.
    public var maximumLocalCandidates = 100

    /// The most candidates that are accepted of the peer's signalling, and as many again of its checks.
    public var maximumRemoteCandidates = 100

    /// Whether 127.0.0.1 and ::1 become candidates: for tests, and for peers on the same machine. On a shared port that is open on loopback
    /// addresses they do in any case.
    public var includesLoopback = false

    /// The only local addresses to use; nil uses all that RFC 8445 §5.1.1.1 lets through.
    public var localAddresses: [IPAddress]?

    /// The local ports that the candidates' sockets may have, those that take TCP connections too; nil leaves the choice to the system.
    ///
    /// Free ports are looked for at random, with 64 attempts at the most. Where none is found, ``CandidateError`` names the range.
    public var portRange: ClosedRange<UInt16>?

    /// The DSCP of all that the candidates' UDP sockets send, 0 to 63, such as 46 for voice (RFC 8837); nil leaves it to the system.
    ///
    /// It is a wish: networks may ignore it, and not every system allows all values.
    public var differentiatedServicesCodePoint: UInt8?

    /// Whether what is sent in one turn of the loop goes together at its end, one system call for many datagrams, instead of each by itself.
    ///
    /// It pays for who sends many small ones, each where it comes up. An error then means that the datagram was not taken: `wouldBlock` once 64
    /// datagrams, or 65,000 bytes, wait for room, `messageTooLarge` as ever. What was taken waits for room if need be, and is counted in
    /// the statistics when it goes or is lost. Datagrams keep their order among themselves; STUN's own may overtake them.
    public var coalescesSends = false

    /// The least buffer for datagrams that have arrived and were not received yet, in bytes, for each UDP socket of a candidate; nil leaves it
    /// to the system, whose default holds a few milliseconds of a fast call.
    ///
    /// It is a wish: Linux grants what `net.core.rmem_max` says, which is 212,992 on many machines. Memory is used only for what waits.
    public var receiveBufferSize: Int? = 1 << 21

    /// The least buffer for datagrams that were sent and have not left yet, in bytes, for each UDP socket of a candidate; nil leaves it to the
    /// system.
    ///
    /// The larger it is, the longer data may wait before `send` tells of it with `wouldBlock`. Linux grants what `net.core.wmem_max` says.
    public var sendBufferSize: Int? = 1 << 19

    /// Whether ``DatagramBatch/trafficClass`` tells the DSCP and the marks of ECN that the peer's datagrams arrived with, where the system does.
    public var reportsTrafficClass = false

    /// The time after which a silent server is given up. Candidates are signalled, and checked, long before.
    public var gatheringTimeout = Duration.seconds(10)

    /// How long checks may take before the session is given up, even if all known pairs have failed (RFC 8863 §4).
    public var patienceInterval = Duration.milliseconds(39_500)

    /// The time between two consent checks, ± 20 %; at least 5 s (RFC 7675 §5.1). Nil sends keepalives instead and trusts the path.
    public var consentInterval: Duration? = .seconds(5)

    /// Whether the consent checks of a controlling agent nominate the pair again: some lite peers take no other as a sign of life.
    public var consentNominates = false

    /// The time without an answer to a consent check after which sending stops (RFC 7675 §5.1).
    public var consentTimeout = Duration.seconds(30)

    /// Tr: the time without a packet after which a keepalive is sent over what consent does not keep alive (RFC 8445 §11); at least 15 s.
    /// Each time it is up to a third longer, by chance, so that calls don't send theirs in step.
    public var keepaliveInterval = Duration.seconds(15)

    /// A configuration with RFC 8445's defaults.
    public init(role: Role = .controlling) {
        self.role = role
    }
}

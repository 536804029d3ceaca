package import NetBase

/// What the agent wants done: the shell performs effects one by one, in their order.
package enum Effect {
    /// Bind a socket to an address, for a component, and tell ``ICEAgent/socketOpened(_:at:now:)`` or ``ICEAgent/socketFailed(_:_:now:)``.
    ///
    /// One for TCP stands for all connections of its candidate: what is sent to an address that it has none to opens one, unless it is passive,
    /// and ``ICEAgent/disconnected(_:from:_:wasConnected:now:)`` tells when one is none any more.
    case openSocket(SocketID, IPAddress, Candidate.Transport, for: StreamComponent)
    /// Allocate on a TURN server and tell ``ICEAgent/relayOpened(_:relayed:mapped:now:)`` or
    /// ``ICEAgent/relayFailed(_:code:text:now:)``.
    indirect case openRelay(RelayOrder)
    /// Ask the server whether an allocation of an earlier generation is still there, and tell ``ICEAgent/relayConfirmed(_:now:)`` or
    /// ``ICEAgent/relayLost(_:reason:now:)``.
    case confirmRelay(SocketID)
    /// Keep an allocation whose way to the server is gone, for ``moveRelay(_:via:)``.
    case holdRelay(SocketID)
    /// Take an allocation along to another socket of this machine (RFC 8016), or tell ``ICEAgent/relayLost(_:reason:now:)``.
    case moveRelay(SocketID, via: SocketID)
    /// Let a peer's address in on a relay (RFC 8656 §9).
    case permit(SocketID, IPAddress)
    /// Have the port of a socket mapped and tell ``ICEAgent/portMapped(_:to:now:)`` or ``ICEAgent/portUnmapped(_:reason:now:)``, whenever
    /// that changes, until the socket is closed.
    case mapPort(SocketID)
    /// Close a socket and end its mapping, or free an allocation.
    case closeSocket(SocketID)
    /// Look up a server's name and tell ``ICEAgent/serverResolved(_:to:now:)`` or ``ICEAgent/serverUnresolvable(_:_:now:)``.
    case resolve(server: Int, host: String)
    /// Look up a name of multicast DNS and tell ``ICEAgent/nameResolved(_:to:now:)`` or ``ICEAgent/nameUnresolvable(_:now:)``.
    case lookUp(MulticastName)
    /// Answer for a name of an address of this machine; where that can't be, tell ``ICEAgent/hostUnpublishable(_:now:)``.
    case publish(MulticastName, IPAddress)
    /// Answer for a name no more.
    case unpublish(MulticastName)
    /// Send a STUN message.
    case send([UInt8], from: SocketID, to: TransportAddress)
    /// Send a STUN message to a server over a connection from a TCP candidate's port, without the framing that peers have.
    case ask([UInt8], from: SocketID, server: TransportAddress)
    /// Send a keepalive, unless data went the same way within the interval: then tell ``ICEAgent/postponeKeepalive(of:to:)``.
    case keepAlive([UInt8], StreamComponent, unlessSentWithin: Duration)
    /// From now on, what is not STUN from this address is the application's data.
    case admit(SocketID, TransportAddress)
    /// Data that comes to the socket from this address is the application's no more.
    case expel(SocketID, TransportAddress)
    /// Close the connections of a TCP candidate, but for those to these addresses.
    case disconnect(SocketID, except: [TransportAddress])
    /// From now on, data for the component goes this way.
    case usePath(StreamComponent, SocketID, TransportAddress)
    /// There is no way for the component's data any more.
    case dropPath(StreamComponent)
    /// Ask the application about a check and tell ``ICEAgent/answer(_:accept:now:)``.
    indirect case askApplication(IncomingCheck)
    /// Tell the application.
    case event(AgentEvent)
}

/// An allocation to be made.
package struct RelayOrder: Hashable, Sendable {
    /// The socket that the relay's first address will be.
    package let id: SocketID
    /// The server as configured; nil for the client that the application has attached.
    package let server: ServerURL?
    /// The server's address.
    package let address: TransportAddress?
    /// The socket that the server is spoken to from over UDP, and whose address over anything else.
    package let via: SocketID?
    /// What the relayed address and the peers are to speak.
    package let relayed: RelayedTransport
    /// The component it is for.
    package let path: StreamComponent
}

/// What a relayed address and the peers speak.
package enum RelayedTransport: Hashable, Sendable {
    /// Datagrams (RFC 8656).
    case udp
    /// Connections (RFC 6062).
    case tcp

    /// What there is of candidates on each address: RFC 6544 §4.1 has passive relayed ones, and for each "a placeholder for an active" one.
    var candidates: [Candidate.Transport] {
        switch self {
        case .udp: [.udp]
        case .tcp: [.tcp(.passive), .tcp(.active)]
        }
    }
}

/// A socket that stands for a candidate on a relayed address.
package struct RelayedBase: Hashable, Sendable {
    /// What the agent calls it.
    package let id: SocketID
    /// The component it is for.
    package let path: StreamComponent
    /// The relayed address.
    package let address: TransportAddress
    /// What its candidate is reached with.
    package let transport: Candidate.Transport
}

/// What the application is told.
package enum AgentEvent: Hashable, Sendable {
    /// A local candidate, to be signalled; then ``ICEAgent/conveyed(_:now:)`` allows to pair it.
    case candidate(Candidate)
    /// A local candidate that was told of is no candidate any more: its address is gone.
    case candidateRemoved(Candidate)
    /// A server gave no candidate.
    case candidateError(CandidateError)
    /// Gathering began or ended; at its end there are no more candidates of this generation.
    case gatheringState(ICEGatheringState)
    /// A pair was nominated and is now its component's selected pair.
    case pairNominated(CandidatePair)
    /// A pair's check failed.
    case pairFailed(CandidatePair, PairFailure)
    /// Data goes over another pair than before.
    case selectedPair(CandidatePair)
    /// Only a restart helps now, or would help.
    case restartNeeded(RestartReason)
    /// The session's state changed; with the reason when it failed.
    case state(ICEState, ICEFailure?)
    /// Something happened, for those who follow the session; the shell adds the time.
    indirect case trace(ICETraceEvent)

    /// Whether it tells what came of a pair's check.
    var isAboutChecks: Bool {
        switch self {
        case .pairNominated, .pairFailed: true
        default: false
        }
    }
}

public import NetBase

/// One thing that happened in a session, for those who want to see how a call came about, or why it did not.
///
/// What it is about is named by `candidateID` and `pairID`, as in statistics. As JSON it is one flat object with `time` and
/// `roundTripTime` in milliseconds, `event`, and the fields that the event has. No password is ever in it.
///
/// ```swift
/// client.onTrace = { event in print(event) }
/// ```
public struct ICETraceEvent: Hashable, Sendable {
    /// What happened; new kinds may be added.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name, such as `check-sent`.
        public let description: String
        private init(_ name: String) { description = name }

        /// Gathering began, at first or after a restart.
        public static let gatheringStarted = Kind("gathering-started")
        /// All local candidates of this generation are there.
        public static let gatheringComplete = Kind("gathering-complete")
        /// A local candidate was found, or told again after a restart.
        public static let localCandidate = Kind("local-candidate")
        /// A local candidate was withdrawn, as its address is gone.
        public static let candidateRemoved = Kind("candidate-removed")
        /// A server gave no candidate: `url`, `code`, `message`.
        public static let candidateError = Kind("candidate-error")
        /// A candidate of the peer became known; `reason` is `signalled`, `learned` from a check, or `merged` where it was both.
        public static let remoteCandidate = Kind("remote-candidate")
        /// A candidate of the peer is not used; `reason` says why.
        ///
        /// - `transport`: it is for TCP, and ``ICEConfiguration/transports`` are not.
        /// - `address`: nothing can be sent to its address or port.
        /// - `component`, `generation`: it is for no component there is, or has another username fragment than the peer's parameters.
        /// - `late`, `closed`: it came behind the end of candidates, or when the session was over.
        /// - `name`, `unresolved`: it hides behind a name that is not looked up (``ICEConfiguration/multicastDNS``), or that nobody answers for.
        /// - `duplicate`, `limit`: it is known already, or one too many (``ICEConfiguration/maximumRemoteCandidates``).
        public static let remoteCandidateIgnored = Kind("remote-candidate-ignored")
        /// The peer's credentials are known: `usernameFragment`.
        public static let remoteParameters = Kind("remote-parameters")
        /// The peer has no more candidates.
        public static let endOfCandidates = Kind("end-of-candidates")
        /// A pair is on its checklist: `state`.
        public static let pairFormed = Kind("pair-formed")
        /// A pair moved on: `state`, and `reason` with `message` where it failed.
        public static let pairState = Kind("pair-state")
        /// A pair was taken off its checklist, where another was chosen or to make room.
        public static let pairRemoved = Kind("pair-removed")
        /// A check or consent check was sent: `purpose`, `retransmission`, `usesCandidate`.
        public static let checkSent = Kind("check-sent")
        /// An authentic check of the peer came; without `pairID` if it is the first that shows its pair.
        public static let checkReceived = Kind("check-received")
        /// A check was answered, `code` telling the error if it was one; without `pairID` if it is the first that shows its pair.
        public static let responseSent = Kind("response-sent")
        /// The answer to a check came: `roundTripTime` where it can be told, or the error's `code`.
        public static let responseReceived = Kind("response-received")
        /// An answer to a check came that can't be believed, such as one that is not signed with the peer's password: `code` as it says.
        /// The check goes on as if it had not come.
        public static let responseDisregarded = Kind("response-disregarded")
        /// A keepalive was due, and goes out unless data has taken its place.
        public static let keepalive = Kind("keepalive")
        /// A pair was nominated.
        public static let nominated = Kind("nominated")
        /// Data goes over this pair from now on.
        public static let selected = Kind("selected")
        /// This agent changed its role: `role`.
        public static let roleChange = Kind("role-change")
        /// The peer's consent to be sent to has run out, or was taken back (RFC 7675).
        public static let consentLost = Kind("consent-lost")
        /// The session's state changed: `state`, and why where it failed.
        public static let stateChange = Kind("state-change")
        /// Only a restart helps now, or would help: `reason`, `message`.
        public static let restartNeeded = Kind("restart-needed")
        /// A new generation began: `usernameFragment` is its own.
        public static let restart = Kind("restart")
        /// The application closed the client; the last event there is.
        public static let closed = Kind("closed")
    }

    /// When it happened, since the client was made.
    public package(set) var time = Duration.zero
    /// What happened.
    public let kind: Kind
    /// The generation of credentials that it belongs to, 0 and up.
    public internal(set) var generation: Int?
    /// The component it concerns.
    public internal(set) var path: StreamComponent?
    /// The name of the candidate.
    public internal(set) var candidateID: String?
    /// The candidate.
    public internal(set) var candidate: Candidate?
    /// The name of the pair.
    public internal(set) var pairID: String?
    /// The pair as it was then.
    public internal(set) var pair: CandidatePair?
    /// The name of the pair's local candidate.
    public internal(set) var localCandidateID: String?
    /// The name of the pair's remote candidate.
    public internal(set) var remoteCandidateID: String?
    /// The state that a pair or the session is in now, in the words of WebRTC.
    public internal(set) var state: String?
    /// Why, in a word.
    public internal(set) var reason: String?
    /// Why, in words.
    public internal(set) var message: String?
    /// What a check is for: `connectivity`, `nomination`, `consent`, `keepalive`.
    public internal(set) var purpose: String?
    /// The STUN transaction, which ties a check to its answer, and to the other side's trace.
    public internal(set) var transactionID: String?
    /// 0 where a check was sent first, then 1 and up.
    public internal(set) var retransmission: Int?
    /// Whether a check carries USE-CANDIDATE.
    public internal(set) var usesCandidate: Bool?
    /// Where a message came from; 0.0.0.0 for an address that is hidden.
    public internal(set) var source: TransportAddress?
    /// Where a message went; 0.0.0.0 for an address that is hidden.
    public internal(set) var destination: TransportAddress?
    /// How long the answer took.
    public internal(set) var roundTripTime: Duration?
    /// The code of a STUN error.
    public internal(set) var code: Int?
    /// The username fragment that became known or new.
    public internal(set) var usernameFragment: String?
    /// The role that the agent has now, or that a check claims.
    public internal(set) var role: Role?
    /// The server's URL.
    public internal(set) var url: String?

    init(_ kind: Kind, _ fill: (inout ICETraceEvent) -> Void = { _ in }) {
        self.kind = kind
        fill(&self)
    }
}

extension ICETraceEvent {
    /// The last event of a trace.
    package static let closed = ICETraceEvent(.closed) { $0.state = ICEState.closed.rawValue }

    /// The event with the time that the shell knows.
    package func at(_ time: Duration) -> ICETraceEvent {
        var event = self
        event.time = time
        return event
    }
}

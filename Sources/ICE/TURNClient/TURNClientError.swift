import ICECore
public import NetBase
import STUN
import TURNCore

/// Why a ``TURNClient`` could not be made, has no allocation, or lost the one it had.
public struct TURNClientError: Error, Hashable, Sendable {
    /// The kinds of fault that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `nameResolutionFailed`.
        public let description: String
        private init(_ name: String) { description = name }

        /// The configuration makes no sense, such as an empty host or bad PEM; thrown by the initialiser.
        public static let invalidConfiguration = Code("invalidConfiguration")
        /// The server's name has no address.
        public static let nameResolutionFailed = Code("nameResolutionFailed")
        /// The socket could not be opened, or the connection not made, or it broke.
        public static let connectionFailed = Code("connectionFailed")
        /// The network says that the server cannot be reached (RFC 8489 §6.2.1: a hard ICMP error).
        public static let unreachable = Code("unreachable")
        /// The server's certificate is for another host: nothing was sent to it (RFC 8489 §6.2.3).
        public static let certificateHostMismatch = Code("certificateHostMismatch")
        /// The server's certificate is not trusted, out of date, or not the pinned one: nothing was sent to it.
        public static let certificateRejected = Code("certificateRejected")
        /// The TLS or DTLS handshake failed, or the session broke.
        public static let tlsFailed = Code("tlsFailed")
        /// The server's stream holds something else than STUN and ChannelData.
        public static let notTURN = Code("notTURN")
        /// The server did not answer in time.
        public static let timedOut = Code("timedOut")
        /// The server asked for a pause that is not over: ask again later, or another server.
        public static let tooEarly = Code("tooEarly")
        /// Answers came, but none that may be believed or understood.
        public static let badResponse = Code("badResponse")
        /// A permission or a channel was asked for that cannot be: another family, too many.
        public static let badRequest = Code("badRequest")
        /// The server redirects in a circle, or to nowhere (RFC 8489 §10).
        public static let badRedirect = Code("badRedirect")
        /// The server redirects to a port where no TURN server is to be expected: nothing was sent there.
        public static let badRedirectPort = Code("badRedirectPort")
        /// The server wants an access token, or another one, and none came: ``TURNClient/provide(accessToken:)`` (RFC 7635).
        public static let accessTokenNeeded = Code("accessTokenNeeded")
        /// The server does not take the access tokens that it was given, or none at all (RFC 7635).
        public static let accessTokenRejected = Code("accessTokenRejected")
        /// The server has forgotten the allocation, or refuses to keep it.
        public static let allocationGone = Code("allocationGone")
        /// There is a connection to this peer already, or the server has not noticed its end yet (446).
        public static let connectionExists = Code("connectionExists")
        /// The server could not connect to the peer: it refuses, or does not answer (447).
        public static let peerUnreachable = Code("peerUnreachable")
        /// The server does not connect to such peers (403).
        public static let forbidden = Code("forbidden")
        /// The peer's connection to the server was gone before this client's was bound to it.
        public static let connectionGone = Code("connectionGone")
        /// The peer ended the connection.
        public static let endOfStream = Code("endOfStream")
    }

    /// The kind of fault.
    public let code: Code

    /// What is wrong, and what to do about it where that can be told.
    public let message: String

    /// What the system said, where it was asked.
    public let networkError: NetworkError?

    init(_ code: Code, _ message: String, networkError: NetworkError? = nil) {
        self.code = code
        self.message = message
        self.networkError = networkError
    }

    init(_ error: LinkError) {
        let code: Code =
            switch error.kind {
            case .nameResolution: .nameResolutionFailed
            case .connection: .connectionFailed
            case .unreachable: .unreachable
            case .certificateHostMismatch: .certificateHostMismatch
            case .certificateRejected: .certificateRejected
            case .tls: .tlsFailed
            case .framing: .notTURN
            }
        self.init(code, error.message, networkError: error.networkError)
    }
}

extension TURNClientError {
    init(_ cause: AllocationFailure.Cause) {
        switch cause {
        case .refused(let code, let reason):
            self.init(.badResponse, "\(code) \(reason)")
        case .unauthorized(let refusal):
            self.init(.badResponse, "the server asks for credentials in a way that must not be answered: \(refusal)")
        case .accessToken(let refusal): self.init(refusal)
        case .unanswered(let failure, let unauthenticated):
            self.init(failure, unauthenticated)
        case .unwantedFamily:
            self.init(.badResponse, "the server gave addresses of a family that was not asked for; use another one")
        case .malformedResponse:
            self.init(.badResponse, "the success response lacks a relayed address or a lifetime; use another server")
        case .linkFailed(let error):
            self.init(
                .connectionFailed, "\(error.map { "\($0)" } ?? "the way to the server broke")", networkError: error)
        }
    }

    init(_ failure: TransactionFailure, _ unauthenticated: STUNMessage.ErrorCode? = nil) {
        let hint = unauthenticated.map { "; an answer that is not signed said \($0.code) \($0.reason)" } ?? ""
        if failure == .timeout {
            self.init(
                .timedOut,
                "the server did not answer in time\(hint); check its address, port and transport, and the firewalls on the way"
            )
        } else {
            self.init(.badResponse, "no answer could be believed or understood (\(failure)\(hint)); check the password")
        }
    }

    private init(_ refusal: AccessTokenRefusal) {
        switch refusal {
        case .notOffered:
            self.init(.accessTokenRejected, "the server takes no access tokens: give a username and a password")
        case .missing(let serverName):
            self.init(
                .accessTokenNeeded,
                "the server \(serverName) wants an access token, and there is none that has not run out; get one for "
                    + "that name when onAccessTokenNeeded asks, and hand it over with provide(accessToken:)")
        case .rejected(let serverName):
            self.init(
                .accessTokenRejected,
                "the server \(serverName) does not take the access token; get a new one for that name, and see that "
                    + "the server and its authorization server share a key and the time")
        }
    }

    init(_ loss: AllocationLoss, after error: String?) {
        let suffix = error.map { ", \($0)" } ?? ""
        switch loss {
        case .forgotten: self.init(.allocationGone, "the server does not know the allocation\(suffix)")
        case .accessTokenExpired:
            self.init(
                .accessTokenNeeded,
                "the access token ran out, and the allocation with it\(suffix); hand over the next one with "
                    + "provide(accessToken:) as soon as onAccessTokenNeeded asks, and allocate again")
        case .expired: self.init(.allocationGone, "the allocation was not refreshed in time\(suffix)")
        case .channelMismatch: self.init(.allocationGone, "the server and the client disagree about channels\(suffix)")
        case .linkFailed(let error):
            self.init(.connectionFailed, "the way to the server broke", networkError: error)
        }
    }

    /// What to tell of a permission or a channel that is not there; nil where the server's own words were told.
    init?(_ failure: RequestFailure, _ subject: String) {
        switch failure {
        case .refused: return nil
        case .unanswered(let failure): self.init(failure)
        case .familyMismatch:
            self.init(.badRequest, "no relayed address has the family of \(subject): ask for it in relayFamilies")
        case .noAllocation: self.init(.badRequest, "there is no allocation for \(subject): wait for onAllocate")
        case .tooMany: self.init(.badRequest, "there are too many peers already for \(subject): use another allocation")
        case .otherTransport:
            self.init(.badRequest, "the relay speaks TCP, where there are no channels for \(subject): use connect(to:)")
        case .tooEarly, .notSTUN: return nil
        }
    }
}

extension TURNClientError {
    /// Why the server did not connect to a peer (RFC 6062 §5.2).
    init(connecting peer: TransportAddress, _ failure: RequestFailure) {
        switch failure {
        case .refused(446, _):
            self.init(
                .connectionExists, "there is a connection to \(peer) already: use it, or ask again when it has ended")
        case .refused(447, _):
            self.init(
                .peerUnreachable,
                "the server could not connect to \(peer): check that it listens there; ask again after 10 seconds")
        case .refused(403, _):
            self.init(.forbidden, "the server does not connect to \(peer): ask its operator, or use another server")
        case .refused(let code, let reason): self.init(.badResponse, "connect to \(peer): \(code) \(reason)")
        case .tooEarly(let pause):
            self.init(.tooEarly, "the server could not connect to \(peer) just now: ask again after \(pause)")
        case .otherTransport:
            self.init(.badRequest, "the relay speaks UDP, and does not connect to \(peer): set relayTransport to .tcp")
        case .unanswered, .familyMismatch, .noAllocation, .tooMany, .notSTUN:
            self = TURNClientError(failure, "\(peer)") ?? TURNClientError(.badResponse, "\(failure)")
        }
    }

    /// Why a connection to the server could not be bound to a peer's (RFC 6062 §5.4).
    init(binding peer: TransportAddress, _ failure: RequestFailure) {
        switch failure {
        case .refused(400, _):
            self.init(
                .connectionGone,
                "the server does not hold the connection of \(peer) any more: it ended, or waited too long")
        case .refused(let code, let reason):
            self.init(.badResponse, "bind to the connection of \(peer): \(code) \(reason)")
        case .unanswered(.timeout):
            self.init(
                .timedOut, "no connection to the server was bound to that of \(peer) within 30 seconds: try again")
        case .notSTUN:
            self.init(
                .notTURN, "the server sent something else than STUN when it was asked for \(peer); check its port")
        case .unanswered, .familyMismatch, .noAllocation, .tooMany, .otherTransport, .tooEarly:
            self = TURNClientError(failure, "\(peer)") ?? TURNClientError(.badResponse, "\(failure)")
        }
    }

    /// An open connection has ended, or broken.
    init(endedBy peer: TransportAddress, _ error: NetworkError) {
        if error.code == .endOfStream {
            self.init(.endOfStream, "\(peer), or the server, has ended the connection", networkError: error)
        } else {
            self.init(
                .connectionFailed, "the connection to \(peer) was broken off, by the peer or the server (\(error))",
                networkError: error)
        }
    }
}

extension TURNClientError {
    /// What a ``CandidateError`` tells of it: as browsers do, 300 and 500 for redirections, 401 for access tokens, 701 for servers that were not reached.
    var candidateErrorCode: Int {
        switch code {
        case .badRedirect: 300
        case .badRedirectPort: 500
        case .accessTokenNeeded, .accessTokenRejected: 401
        default: CandidateError.unreachable
        }
    }
}

extension TURNClientError: CustomStringConvertible {
    /// `nameResolutionFailed: …`.
    public var description: String { "\(code): \(message)" }
}

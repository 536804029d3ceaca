import NetBase
import STUN

/// The client's credentials with one server: access tokens where it takes them (RFC 7635), else a name and password.
///
/// The first request goes out bare, and the server's 401 decides. Where it has THIRD-PARTY-AUTHORIZATION, and there is a token or
/// somebody to ask for one, the client "MUST ensure that third-party authorization takes precedence over first-party authentication"
/// (RFC 7635 §6.1).
///
///     undecided ──401 with the attribute──▶ third party: offered ──success──▶ proven ──another token──▶ offered ──▶ …
///         │                                     │ 401, and no other token is to be had
///         └──401 without it, or no token──▶ first party: a name and password
///
/// A token is offered in Allocate and Refresh requests alone; once the server has taken it, its session key signs all others too.
struct TURNAuthenticator {
    /// What to do about a 401 or 438.
    enum Decision {
        /// Make the request anew, with another transaction ID, and sign it.
        case retry
        /// Make the request anew when there is another token.
        case awaitToken
        /// Make the request anew from another port: a server may hold to the name that it has heard from this one (as coturn does).
        case changePort
        /// Do not, for want of a password that would do.
        case giveUp(LongTermAuthenticator.Refusal)
        /// Do not, for want of a token that would do, and of a password.
        case refuse(AccessTokenRefusal)
    }

    private enum Mechanism {
        case undecided
        case firstParty
        case thirdParty(Challenge)
    }

    private struct Challenge {
        let serverName: String
        var realm: STUNMessage.Realm
        var nonce: STUNMessage.Nonce
    }

    /// How many tokens the server may refuse, one after the other, before no more are asked for.
    private static let rejectionLimit = 3

    private var longTerm: LongTermAuthenticator
    private let hasPassword: Bool
    private let asksForTokens: Bool
    private var mechanism = Mechanism.undecided
    /// What the server has not taken yet.
    private var offered: SessionCredential?
    /// What the server has taken at last.
    private var proven: SessionCredential?
    private var rejections = 0
    /// Whether no more tokens are to be had.
    private var isOutOfTokens = false
    /// Whether a token was asked for that has not come.
    private var isAsking = false
    /// The server that a token is to be asked for, until that is told.
    private var question: String?

    init(_ options: AllocationOptions) {
        longTerm = LongTermAuthenticator(
            username: options.username, password: options.password, preparation: options.preparation,
            prefersSHA256: true)
        hasPassword = !options.username.isEmpty
        asksForTokens = options.asksForAccessTokens
    }
}

// MARK: - Signing

extension TURNAuthenticator {
    /// The token that a request offers, or whose session key signs it; nil where that is a password's, or nothing's.
    func credential(for method: STUNMethod) -> SessionCredential? {
        guard case .thirdParty = mechanism else { return nil }
        return method.carriesToken ? offered ?? proven : proven
    }

    /// The key that a request is signed with; nil while requests go out bare.
    func key(for method: STUNMethod) -> IntegrityKey? {
        if case .firstParty = mechanism { return longTerm.key }
        return credential(for: method)?.key
    }

    /// Puts credentials and integrity behind what a request holds so far.
    func sign(_ request: inout STUNMessage) {
        if case .firstParty = mechanism { return longTerm.sign(&request) }
        guard case .thirdParty(let challenge) = mechanism, let credential = credential(for: request.method) else {
            return
        }
        request.append(STUNMessage.Username(credential.access.keyID))
        request.append(challenge.realm)
        request.append(challenge.nonce)
        if request.method.carriesToken { request.append(STUNMessage.AccessToken(credential.access.token)) }
        request.appendIntegrity(credential.key)
    }

    /// Forgets the server's challenge, as nonces are good for one source address only: the next request goes out bare.
    mutating func forgetChallenge() {
        longTerm.forgetChallenge()
        mechanism = .undecided
    }
}

// MARK: - Tokens

extension TURNAuthenticator {
    /// Whether there is a newer token than the one that the server has taken.
    var isRenewing: Bool { proven != nil && offered != nil }

    /// Whether this is that newer token.
    func isOffered(_ credential: SessionCredential?) -> Bool {
        offered.map { $0.key === credential?.key } ?? false
    }

    /// Whether a refresh would be for nothing: it keeps the allocation no longer than the token that is running out.
    func awaitsToken(at now: Instant) -> Bool {
        guard offered == nil, let proven else { return false }
        return proven.renewal <= now
    }

    /// When a token is to be asked for in the place of the one in use.
    var deadline: Instant? { mayAsk && offered == nil ? proven?.renewal : nil }

    private var mayAsk: Bool { !isAsking && rejections < Self.rejectionLimit }

    /// Asks for a token when it is time to.
    mutating func advance(to now: Instant) {
        if let deadline, deadline <= now { ask() }
    }

    /// The name of the server that a token is to be asked for; once for each question.
    mutating func takeQuestion() -> String? {
        defer { question = nil }
        return question
    }

    /// Whether the server has refused a token that came from this port, and taken none.
    var isRejected: Bool { rejections > 0 && proven == nil }

    /// Takes a token, which the next Allocate or Refresh request offers.
    mutating func take(_ credential: SessionCredential) {
        offered = credential
        isOutOfTokens = false
        isAsking = false
        question = nil
    }

    /// The server has taken what a request offered.
    mutating func confirm(_ credential: SessionCredential?) {
        guard let credential, proven?.key !== credential.key else { return }
        if isOffered(credential) { offered = nil }
        proven = credential
        rejections = 0
    }

    /// The allocation is over; the token may do for another: it "can be reused for multiple Allocate requests" (RFC 7635 §9).
    mutating func forgetAllocation() {
        offered = offered ?? proven
        proven = nil
        isAsking = false
        question = nil
    }

    /// Takes over the tokens that the allocation has by now; the challenge stays, whose nonce may be one for this connection alone.
    mutating func follow(_ allocation: TURNAuthenticator) {
        (offered, proven) = (allocation.offered, allocation.proven)
    }

    private mutating func ask() {
        guard case .thirdParty(let challenge) = mechanism, mayAsk else { return }
        isAsking = true
        question = challenge.serverName
    }
}

// MARK: - Challenges

extension TURNAuthenticator {
    /// What to do about a 401 or 438; learns what the response brings.
    ///
    /// - Parameter isOffering: Whether a request is on its way that offers a newer token, after which the server knows another key.
    mutating func handle(
        _ response: STUNMessage, to sent: OutstandingRequest, isOffering: Bool, at now: Instant
    ) -> Decision {
        switch mechanism {
        case .undecided: return decide(response, sent)
        case .firstParty: return handleFirstParty(response, to: sent.transaction.request, sent.request.retries)
        case .thirdParty(var challenge):
            guard sent.request.retries < LongTermAuthenticator.retryLimit else { return .giveUp(.tooManyRetries) }
            challenge.realm = response[STUNMessage.Realm.self] ?? challenge.realm
            challenge.nonce = response[STUNMessage.Nonce.self] ?? challenge.nonce
            mechanism = .thirdParty(challenge)
            if response[STUNMessage.ErrorCode.self]?.code == 438 { return .retry }
            if sent.credential?.key !== credential(for: sent.request.method)?.key { return .retry }
            if sent.request.method.carriesToken { return reject(response, at: now) }
            return isOffering ? .retry : .giveUp(.credentialsRejected)
        }
    }

    /// Whether a request that offers no token is worth to be made anew, behind a 401 or 438 to it on a connection of its own.
    ///
    /// - Parameter key: What it was signed with.
    mutating func mayRetry(
        _ request: STUNMessage, signedWith key: IntegrityKey?, behind response: STUNMessage, retries: Int
    ) -> Bool {
        switch mechanism {
        case .undecided: return false
        case .firstParty:
            if case .retry = handleFirstParty(response, to: request, retries) { return true }
            return false
        case .thirdParty(var challenge):
            guard retries < LongTermAuthenticator.retryLimit, let nonce = response[STUNMessage.Nonce.self] else {
                return false
            }
            // The session key is the allocation's. Where that has been refreshed with another token meanwhile, or is just being, the server
            // knows no other one.
            if response[STUNMessage.ErrorCode.self]?.code != 438, proven?.key === key {
                guard let offered else { return false }
                confirm(offered)
            }
            challenge.nonce = nonce
            mechanism = .thirdParty(challenge)
            return true
        }
    }

    /// What to do when a token that was asked for does not come.
    ///
    /// "If the client does not support or is not capable of doing third-party authorization, then it defaults to first-party
    /// authentication" (RFC 7635 §6.1).
    mutating func handleWithoutToken(_ response: STUNMessage) -> Decision {
        guard case .thirdParty(let challenge) = mechanism else { return .retry }
        guard hasPassword else {
            let name = challenge.serverName
            return .refuse(rejections > 0 ? .rejected(serverName: name) : .missing(serverName: name))
        }
        isOutOfTokens = true
        if isRejected { return .changePort }
        mechanism = .firstParty
        // No request has shown the password yet.
        let bare = STUNMessage(.request, response.method, transactionID: response.transactionID)
        return handleFirstParty(response, to: bare, 0)
    }

    private mutating func decide(_ response: STUNMessage, _ sent: OutstandingRequest) -> Decision {
        let name = response[STUNMessage.ThirdPartyAuthorization.self]?.value
        let usesTokens = offered != nil || asksForTokens && !isOutOfTokens
        guard let name, usesTokens else {
            if !hasPassword {
                if let name { return .refuse(.missing(serverName: name)) }
                if usesTokens { return .refuse(.notOffered) }
            }
            mechanism = .firstParty
            return handleFirstParty(response, to: sent.transaction.request, sent.request.retries)
        }
        guard let realm = response[STUNMessage.Realm.self], let nonce = response[STUNMessage.Nonce.self] else {
            return .giveUp(.incompleteChallenge)
        }
        mechanism = .thirdParty(Challenge(serverName: name, realm: realm, nonce: nonce))
        if offered != nil { return .retry }
        ask()
        return .awaitToken
    }

    private mutating func handleFirstParty(
        _ response: STUNMessage, to request: STUNMessage, _ retries: Int
    ) -> Decision {
        switch longTerm.handle(response, to: request, retries: retries) {
        case .retry: .retry
        case .giveUp(let refusal): .giveUp(refusal)
        }
    }

    /// The server does not take the token: it has run out, is for another server, or forged.
    private mutating func reject(_ response: STUNMessage, at now: Instant) -> Decision {
        rejections += 1
        let hasAnother = isRenewing
        if offered == nil { proven?.spoil(at: now) }
        offered = nil
        if proven == nil, !asksForTokens || rejections >= Self.rejectionLimit { return handleWithoutToken(response) }
        ask()
        return hasAnother ? .retry : .awaitToken
    }
}

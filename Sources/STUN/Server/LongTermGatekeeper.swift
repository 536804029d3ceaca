package import NetBase

/// The server's look at requests that are signed with long-term credentials (RFC 8489 §9.2.4), or under an access token (RFC 7635 §7).
///
/// It checks in the order that the RFC gives, and a request that fails changes nothing. Indications are never authenticated: do not
/// ask about them.
package struct LongTermGatekeeper {
    /// Whom to let in, and how much of RFC 8489 to offer.
    package struct Configuration: Sendable {
        /// The realm, which "uniquely identifies the username and password combination" (RFC 8656 §5).
        package var realm: String
        /// The users' passwords by their names, these as they travel: prepared already.
        package var users: [String: String]
        /// What PASSWORD-ALGORITHMS offers, in the order of preference; empty for RFC 5389's MD5 alone.
        package var passwordAlgorithms: [STUNPasswordAlgorithm] = []
        /// Whether USERHASH may stand for USERNAME.
        package var offersUserHash = false
        /// Whether nonces begin with the nonce cookie; without it the server is one of RFC 5389, with no features.
        package var usesNonceCookie = true
        /// How long a nonce is good; RFC 8656 §5: "at least once every hour".
        package var nonceLifetime: Duration = .seconds(3600)
        /// How names and passwords are prepared before they are hashed.
        package var preparation: StringPreparation = .none
        /// The access tokens that are taken besides; nil for a server that knows nothing of them.
        package var accessTokens: AccessTokenRegister?
        /// What the SOFTWARE attribute of error responses says; nil for none.
        package var software: String?

        /// The users of a realm, with RFC 5389's features.
        package init(realm: String, users: [String: String]) {
            self.realm = realm
            self.users = users
        }

        fileprivate var features: NonceFeatures? {
            guard usesNonceCookie else { return nil }
            var features: NonceFeatures = []
            if !passwordAlgorithms.isEmpty { features.insert(.passwordAlgorithms) }
            if offersUserHash { features.insert(.usernameAnonymity) }
            return features
        }

        fileprivate var offer: [STUNMessage.PasswordAlgorithm] {
            usesNonceCookie ? passwordAlgorithms.map { STUNMessage.PasswordAlgorithm($0) } : []
        }
    }

    /// Who sent a request, and how its response is to be signed.
    package struct Pass {
        /// The user's name, also where the request had its hash; the server's own for all who come with an access token.
        package let username: String
        /// The user's key.
        package let key: IntegrityKey
        /// "MESSAGE-INTEGRITY-SHA256 […], unless the request was processed as though PASSWORD-ALGORITHM was MD5" (RFC 8489 §9.2.4).
        package let algorithm: IntegrityAlgorithm
        /// What an access token has opened; nil for a user.
        package var session: AccessTokenSession?
    }

    /// What to do with a request.
    package enum Verdict {
        /// It is from a user; sign the response with ``seal(_:_:for:)``.
        case accepted(Pass)
        /// Send this error response as it is: 400, 401 or 438.
        case reply(STUNMessage, code: Int)
    }

    /// Whom to let in; may change at any time.
    package var configuration: Configuration {
        didSet {
            keys = [:]
            names = nil
        }
    }

    private var mint: NonceMint
    private var keys: [KeyID: IntegrityKey] = [:]
    private var names: [[UInt8]: String]?

    private struct KeyID: Hashable {
        let username: String
        let algorithm: STUNPasswordAlgorithm
    }

    /// A gatekeeper whose nonces nobody can guess who does not know the generator.
    package init(_ configuration: Configuration, using generator: inout some RandomNumberGenerator) {
        self.configuration = configuration
        mint = NonceMint(using: &generator)
    }

    /// Makes all nonces that were given out stale, as a restart of the server does.
    package mutating func revokeNonces(using generator: inout some RandomNumberGenerator) {
        mint = NonceMint(using: &generator)
    }

    /// What to do with a request.
    ///
    /// - Parameter session: What an access token has opened for the source, whose key requests without a token are signed with.
    package mutating func judge(
        _ request: STUNMessage, from source: TransportAddress, session: AccessTokenSession? = nil, at now: Instant
    ) -> Verdict {
        guard IntegrityAlgorithm.allCases.contains(where: { request.contains(type: $0.attributeType) }) else {
            return challenge(request, .unauthenticated, source, now)
        }
        guard request.contains(type: STUNMessage.Username.type) || request.contains(type: STUNMessage.UserHash.type),
            request[STUNMessage.Realm.self] != nil, let nonce = request[STUNMessage.Nonce.self]?.value,
            let choice = choice(of: request, nonce: nonce)
        else { return refuse(request) }
        let pass = pass(under: session, of: request, at: now) ?? pass(request, choice)
        guard let pass, case .valid = request.verifyIntegrity(pass.key) else {
            return challenge(request, .unauthenticated, source, now)
        }
        let isFresh = mint.accepts(
            nonce, from: source, configuration.features, at: now, lifetime: configuration.nonceLifetime)
        guard isFresh else { return challenge(request, .staleNonce, source, now) }
        return .accepted(pass)
    }

    /// Signs a response to an accepted request, and gives it a fingerprint where the request has one.
    package func seal(_ response: inout STUNMessage, _ pass: Pass, for request: STUNMessage) {
        response.appendIntegrity(pass.key, pass.algorithm)
        if request.fingerprint != .missing { response.appendFingerprint() }
    }
}

// MARK: - Credentials

extension LongTermGatekeeper {
    private struct Choice {
        let algorithm: STUNPasswordAlgorithm
        /// Whether the request itself says so.
        let isNamed: Bool
    }

    /// The password algorithm that a request was signed under; nil where what it says does not fit the nonce's features.
    private func choice(of request: STUNMessage, nonce: String) -> Choice? {
        let isSilent = [STUNMessage.PasswordAlgorithms.type, STUNMessage.PasswordAlgorithm.type].allSatisfy {
            !request.contains(type: $0)
        }
        if isSilent || !NonceFeatures(nonce: nonce).contains(.passwordAlgorithms) {
            return Choice(algorithm: .md5, isNamed: false)
        }
        guard let chosen = request[STUNMessage.PasswordAlgorithm.self],
            let list = request[STUNMessage.PasswordAlgorithms.self]?.value, list == configuration.offer,
            list.contains(chosen)
        else { return nil }
        return Choice(algorithm: chosen.algorithm, isNamed: true)
    }

    private mutating func pass(_ request: STUNMessage, _ choice: Choice) -> Pass? {
        guard !request.contains(type: STUNMessage.AccessToken.type), let username = username(of: request),
            let key = key(of: username, choice.algorithm)
        else { return nil }
        return Pass(username: username, key: key, algorithm: choice.isNamed ? .sha256 : .sha1)
    }

    /// "The STUN server selects the keying material based on kid signaled in the USERNAME attribute" (RFC 7635 §7).
    private func pass(under session: AccessTokenSession?, of request: STUNMessage, at now: Instant) -> Pass? {
        guard let register = configuration.accessTokens, let keyID = request[STUNMessage.Username.self]?.value else {
            return nil
        }
        var found = session?.keyID == keyID ? session : nil
        if let token = request[STUNMessage.AccessToken.self]?.value {
            found = register.session(token, keyID: keyID, at: now)
        }
        guard let found else { return nil }
        return Pass(username: register.serverName, key: found.key, algorithm: .sha1, session: found)
    }

    private mutating func username(of request: STUNMessage) -> String? {
        if request.contains(type: STUNMessage.Username.type) { return request[STUNMessage.Username.self]?.value }
        guard configuration.offersUserHash, configuration.usesNonceCookie,
            let hash = request[STUNMessage.UserHash.self]?.value
        else { return nil }
        let known = names ?? hashedNames()
        names = known
        return known[hash]
    }

    private func hashedNames() -> [[UInt8]: String] {
        var result: [[UInt8]: String] = [:]
        for name in configuration.users.keys {
            let hash = STUNMessage.UserHash(
                username: name, realm: configuration.realm, preparation: configuration.preparation)
            if let hash { result[hash.value] = name }
        }
        return result
    }

    private mutating func key(of username: String, _ algorithm: STUNPasswordAlgorithm) -> IntegrityKey? {
        let id = KeyID(username: username, algorithm: algorithm)
        if let key = keys[id] { return key }
        guard let password = configuration.users[username] else { return nil }
        let key = IntegrityKey(
            longTermUsername: username, realm: configuration.realm, password: password, algorithm: algorithm,
            preparation: configuration.preparation)
        keys[id] = key
        return key
    }
}

// MARK: - Refusals

extension LongTermGatekeeper {
    /// An error response that tells the client what to sign with: realm, nonce, algorithms.
    private func challenge(
        _ request: STUNMessage, _ error: STUNMessage.ErrorCode, _ source: TransportAddress, _ now: Instant
    ) -> Verdict {
        var response = STUNMessage.errorResponse(to: request, error, software: configuration.software)
        response.append(STUNMessage.Realm(configuration.realm))
        response.append(STUNMessage.Nonce(mint.nonce(for: source, configuration.features, at: now)))
        if let serverName = configuration.accessTokens?.serverName {
            response.append(STUNMessage.ThirdPartyAuthorization(serverName))
        }
        let offer = configuration.offer
        if !offer.isEmpty { response.append(STUNMessage.PasswordAlgorithms(offer)) }
        return reply(response, error, to: request)
    }

    /// "This response SHOULD NOT include a USERNAME, USERHASH, NONCE, or REALM attribute" (RFC 8489 §9.2.4).
    private func refuse(_ request: STUNMessage) -> Verdict {
        reply(.errorResponse(to: request, .badRequest, software: configuration.software), .badRequest, to: request)
    }

    private func reply(
        _ response: STUNMessage, _ error: STUNMessage.ErrorCode, to request: STUNMessage
    ) -> Verdict {
        var response = response
        if request.fingerprint != .missing { response.appendFingerprint() }
        return .reply(response, code: error.code)
    }
}

/// The client's half of the long-term credential mechanism with one server (RFC 8489 §9.2.3, §9.2.5).
///
/// The first request goes out bare. The server's 401 brings a challenge, under which the request is made anew and all later ones are
/// signed; a 438 brings another nonce. Whoever sends requests asks ``handle(_:to:retries:)`` about each 401 and 438, and makes a
/// new transaction when told to retry.
package struct LongTermAuthenticator {
    /// What to do about a 401 or 438.
    package enum Decision: Hashable, Sendable {
        /// Make the request anew, with another transaction ID, and sign it.
        case retry
        /// Do not.
        case giveUp(Refusal)
    }

    /// Why a request is not to be made anew.
    package enum Refusal: Hashable, Sendable {
        /// The server has seen these credentials in this realm and does not take them (RFC 8489 §9.2.5).
        case credentialsRejected
        /// The response names no realm or no nonce.
        case incompleteChallenge
        /// The nonce promises PASSWORD-ALGORITHMS, which is not there: somebody on the way took it out (RFC 8489 §9.2.5).
        case algorithmsWithheld
        /// The server offers no password algorithm that is known here.
        case noSupportedAlgorithm
        /// The server goes on asking for other nonces or realms.
        case tooManyRetries
    }

    /// How often one request is made anew: a server whose nonces are stale at once would keep us at it for ever.
    package static let retryLimit = 5

    private let username: String
    private let password: String
    private let preparation: StringPreparation
    private let prefersSHA256: Bool
    private var challenge: Challenge?

    /// Credentials for a server that has not been heard of yet.
    ///
    /// RFC 8489 §9.2.5 takes the first algorithm in the server's list that is supported; RFC 8656 §6 prefers SHA-256 to MD5 wherever it
    /// stands.
    package init(
        username: String, password: String, preparation: StringPreparation = .none, prefersSHA256: Bool = false
    ) {
        self.username = username
        self.password = password
        self.preparation = preparation
        self.prefersSHA256 = prefersSHA256
    }

    /// The key that requests are signed with; nil before the first challenge, while requests go out bare.
    package var key: IntegrityKey? { challenge?.key }

    /// What requests are signed by: once the server offers password algorithms, "MESSAGE-INTEGRITY-SHA256 only" (RFC 8489 §9.2.5).
    package var algorithm: IntegrityAlgorithm { challenge?.offer == nil ? .sha1 : .sha256 }

    /// Forgets the server's challenge, as nonces are good for one source address only: the next request goes out bare.
    package mutating func forgetChallenge() { challenge = nil }

    /// Puts credentials and integrity behind what a request holds so far; nothing before the first challenge (RFC 8489 §9.2.3).
    package func sign(_ request: inout STUNMessage) {
        guard let challenge else { return }
        if let hash = challenge.userHash {
            request.append(hash)
        } else {
            request.append(STUNMessage.Username(preparation.apply(to: username)))
        }
        request.append(challenge.realm)
        request.append(challenge.nonce)
        if let offer = challenge.offer {
            request.append(type: STUNMessage.PasswordAlgorithms.type, value: offer)
            request.append(challenge.chosen)
        }
        request.appendIntegrity(challenge.key, algorithm)
    }
}

// MARK: - Challenges

extension LongTermAuthenticator {
    private struct Challenge {
        let realm: STUNMessage.Realm
        let nonce: STUNMessage.Nonce
        /// PASSWORD-ALGORITHMS, byte for byte as it came: "the request MUST contain the PASSWORD-ALGORITHMS attribute with the same
        /// content".
        let offer: [UInt8]?
        let chosen: STUNMessage.PasswordAlgorithm
        let userHash: STUNMessage.UserHash?
        let key: IntegrityKey
    }

    /// What to do about a 401 or 438 to a request that was made anew so many times before; learns what the response brings.
    package mutating func handle(
        _ response: STUNMessage, to request: STUNMessage, retries: Int
    ) -> Decision {
        let realm = response[STUNMessage.Realm.self]
        if response[STUNMessage.ErrorCode.self]?.code == 401, let sent = request[STUNMessage.Realm.self],
            realm == nil || realm == sent
        {
            // "The client MUST NOT perform this retry if it is not changing the USERNAME, USERHASH, REALM, or its associated password".
            return .giveUp(.credentialsRejected)
        }
        guard let realm = realm ?? challenge?.realm, let nonce = response[STUNMessage.Nonce.self] else {
            return .giveUp(.incompleteChallenge)
        }
        guard retries < Self.retryLimit else { return .giveUp(.tooManyRetries) }
        guard !response.withholdsPasswordAlgorithms else { return .giveUp(.algorithmsWithheld) }
        guard let chosen = choose(from: response) else { return .giveUp(.noSupportedAlgorithm) }
        let features = NonceFeatures(nonce: nonce.value)
        let offer = response.valueRange(ofType: STUNMessage.PasswordAlgorithms.type).map { Array(response.bytes[$0]) }
        challenge = Challenge(
            realm: realm, nonce: nonce, offer: offer, chosen: chosen,
            userHash: features.contains(.usernameAnonymity)
                ? STUNMessage.UserHash(username: username, realm: realm.value, preparation: preparation) : nil,
            key: key(realm, chosen.algorithm))
        return .retry
    }

    /// MD5 where the server offers nothing, as RFC 5389's do not; nil where it offers nothing that is supported.
    private func choose(from response: STUNMessage) -> STUNMessage.PasswordAlgorithm? {
        guard response.contains(type: STUNMessage.PasswordAlgorithms.type) else { return .init(.md5) }
        let supported = (response[STUNMessage.PasswordAlgorithms.self]?.value ?? []).filter {
            ($0.algorithm == .md5 || $0.algorithm == .sha256) && $0.parameters.isEmpty
        }
        let strong = supported.first { $0.algorithm == .sha256 }
        return prefersSHA256 ? strong ?? supported.first : supported.first
    }

    /// A nonce alone changes no key: the old one keeps its keyed contexts.
    private func key(_ realm: STUNMessage.Realm, _ algorithm: STUNPasswordAlgorithm) -> IntegrityKey {
        if let challenge, challenge.realm == realm, challenge.chosen.algorithm == algorithm { return challenge.key }
        return IntegrityKey(
            longTermUsername: username, realm: realm.value, password: password, algorithm: algorithm,
            preparation: preparation)
    }
}

extension STUNMessage {
    /// Whether the nonce says that there is a choice of password algorithms, and the choice is missing (RFC 8489 §9.2.5).
    var withholdsPasswordAlgorithms: Bool {
        guard let nonce = self[Nonce.self]?.value else { return false }
        return NonceFeatures(nonce: nonce).contains(.passwordAlgorithms) && !contains(type: PasswordAlgorithms.type)
    }
}

import Digest

/// The two integrity algorithms of STUN (RFC 8489 §14.5, §14.6).
public enum IntegrityAlgorithm: Hashable, Sendable, CaseIterable {
    /// HMAC-SHA1 in MESSAGE-INTEGRITY.
    case sha1
    /// HMAC-SHA256 in MESSAGE-INTEGRITY-SHA256.
    case sha256

    /// The type of the attribute that carries it.
    public var attributeType: UInt16 {
        switch self {
        case .sha1: STUNMessage.MessageIntegrity.type
        case .sha256: STUNMessage.MessageIntegritySHA256.type
        }
    }

    var function: HashFunction {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        }
    }
}

/// The secret that two agents sign their messages with, ready for use.
///
/// It keeps one keyed HMAC context for each algorithm, so make one for each credential and hold on to it. Should libcrypto refuse
/// an algorithm (MD5 in FIPS mode), nothing ever verifies with the key, and what it signs carries zeros.
///
/// ```swift
/// let key = IntegrityKey(shortTermPassword: "a secret of both ends")
/// var request = STUNMessage(.request, .binding, transactionID: STUNTransactionID())
/// request.appendIntegrity(key)
/// print(request.verifyIntegrity(key))
/// ```
public final class IntegrityKey {
    /// How the secret came to be: it decides which responses may come unsigned.
    public enum Mechanism: Hashable, Sendable {
        /// Both ends have learned a password elsewhere (RFC 8489 §9.1).
        case shortTerm
        /// A user's password in a realm (RFC 8489 §9.2).
        case longTerm
        /// An authorization server has made it, and put it into the token that the request carries (RFC 7635 §4.1).
        case accessToken
    }

    /// How the secret came to be.
    public let mechanism: Mechanism

    private let secret: [UInt8]?
    private var sha1: HMAC?
    private var sha256: HMAC?

    private init(_ secret: [UInt8]?, _ mechanism: Mechanism) {
        self.secret = secret
        self.mechanism = mechanism
    }

    /// "key = OpaqueString(password)" (RFC 8489 §9.1.1).
    public convenience init(shortTermPassword password: String, preparation: StringPreparation = .none) {
        self.init(Array(preparation.apply(to: password).utf8), .shortTerm)
    }

    /// "key = MD5(username ":" OpaqueString(realm) ":" OpaqueString(password))" (RFC 8489 §9.2.2), or with SHA-256 in MD5's place
    /// (§18.5.1.2).
    public convenience init(
        longTermUsername username: String, realm: String, password: String,
        algorithm: STUNPasswordAlgorithm = .md5, preparation: StringPreparation = .none
    ) {
        let parts = [username, realm, password].map { preparation.apply(to: $0) }
        let function: HashFunction? =
            switch algorithm {
            case .md5: .md5
            case .sha256: .sha256
            default: nil
            }
        self.init(function?.digest(of: Array(parts.joined(separator: ":").utf8)), .longTerm)
    }

    /// "The STUN client and server will use the mac_key to compute the message integrity and do not perform MD5 hash on the credentials"
    /// (RFC 7635 §5).
    public convenience init(macKey: [UInt8]) {
        self.init(macKey, .accessToken)
    }

    /// Makes the keyed context of an algorithm now.
    ///
    /// The first one of a process makes libcrypto load its configuration and providers, which takes milliseconds that a first check
    /// should not wait for.
    package func prepare(_ algorithm: IntegrityAlgorithm) {
        _ = hmac(algorithm)
    }

    /// The keyed context of an algorithm, made when it is first asked for; nil where libcrypto refuses.
    func hmac(_ algorithm: IntegrityAlgorithm) -> HMAC? {
        let existing = algorithm == .sha1 ? sha1 : sha256
        if let existing { return existing }
        guard let secret, let made = HMAC(algorithm.function, key: secret) else { return nil }
        switch algorithm {
        case .sha1: sha1 = made
        case .sha256: sha256 = made
        }
        return made
    }
}

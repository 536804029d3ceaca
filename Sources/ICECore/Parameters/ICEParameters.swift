/// The username fragment and password of one agent for one generation (RFC 8445 §5.3).
public struct Credentials: Hashable, Sendable {
    /// 4 to 256 characters.
    public let usernameFragment: String

    /// 22 to 256 characters. A secret: it appears in no description or log of this library.
    public let password: String

    /// Credentials that came from the peer or from the application.
    ///
    /// - Throws: ``ICESyntaxError`` when a length or character is outside RFC 8839 §5.4 (`-` and `_` are tolerated).
    public init(usernameFragment: String, password: String) throws(ICESyntaxError) {
        guard 4...256 ~= usernameFragment.utf8.count, usernameFragment.utf8.allSatisfy(\.isTolerableICECharacter) else {
            throw ICESyntaxError(
                .malformedCredentials, withholdingText: "the username fragment must be 4 to 256 letters, digits, + or /"
            )
        }
        guard 22...256 ~= password.utf8.count, password.utf8.allSatisfy(\.isTolerableICECharacter) else {
            throw ICESyntaxError(
                .malformedCredentials, withholdingText: "the password must be 22 to 256 letters, digits, + or /")
        }
        self.usernameFragment = usernameFragment
        self.password = password
    }

    /// Fresh credentials.
    ///
    /// RFC 8445 §5.3: "the username fragment MUST contain at least 24 bits of randomness, and the password MUST contain at least 128
    /// bits of randomness"; each character carries 6.
    package init(using generator: inout some RandomNumberGenerator) {
        usernameFragment = Self.randomText(8, using: &generator)
        password = Self.randomText(24, using: &generator)
    }

    /// A username fragment with a fresh password.
    package init(usernameFragment: String, using generator: inout some RandomNumberGenerator) throws(ICESyntaxError) {
        try self.init(usernameFragment: usernameFragment, password: Self(using: &generator).password)
    }

    private static func randomText(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        var characters: [UInt8] = []
        characters.reserveCapacity(count)
        var bits: UInt64 = 0
        for index in 0..<count {
            // The system's generator is a system call: ten characters come of each number.
            if index % 10 == 0 { bits = generator.next() }
            characters.append(alphabet[Int(bits & 63)])
            bits >>= 6
        }
        return String(decoding: characters, as: UTF8.self)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}

extension Credentials: CustomStringConvertible {
    /// The username fragment alone.
    public var description: String { usernameFragment }
}

/// What the two agents tell each other besides candidates (RFC 8839 §5.3 to §5.6).
///
/// ```swift
/// import Foundation
///
/// let json = try JSONEncoder().encode(client.localParameters)  // for the peer, over a channel that others can't read
/// // … and what the peer sent:
/// try client.setRemoteParameters(try JSONDecoder().decode(ICEParameters.self, from: Data(text.utf8)))
/// ```
public struct ICEParameters: Hashable, Sendable {
    /// The agent's credentials.
    public var credentials: Credentials

    /// The tokens of `ice-options`: what this agent writes is `ice2` and `trickle`.
    public var options: [String]

    /// Whether the agent is an ICE-lite one: it has only host candidates and sends no checks.
    public var isLite: Bool

    /// The agent's Ta; nil where it names none, which stands for 50 ms (RFC 8839 §5.5).
    public var pacingInterval: Duration?

    /// Parameters from their parts.
    public init(
        credentials: Credentials, options: [String] = [], isLite: Bool = false, pacingInterval: Duration? = nil
    ) {
        self.credentials = credentials
        self.options = options
        self.isLite = isLite
        self.pacingInterval = pacingInterval
    }

    /// Parameters from a username fragment and a password.
    ///
    /// - Throws: ``ICESyntaxError`` when these are outside RFC 8839 §5.4.
    public init(
        usernameFragment: String, password: String, options: [String] = [], isLite: Bool = false,
        pacingInterval: Duration? = nil
    ) throws(ICESyntaxError) {
        self.init(
            credentials: try Credentials(usernameFragment: usernameFragment, password: password), options: options,
            isLite: isLite, pacingInterval: pacingInterval)
    }

    /// The agent's username fragment.
    public var usernameFragment: String { credentials.usernameFragment }

    /// The agent's password. A secret.
    public var password: String { credentials.password }

    /// Whether the agent takes candidates after the description (RFC 8838).
    public var supportsTrickle: Bool { options.contains("trickle") }

    /// Whether the agent takes later nominations on other pairs, and nominates with numbers (as browsers' `renomination`).
    public var supportsRenomination: Bool { options.contains("renomination") }

    /// Whether the agent follows RFC 8445, rather than RFC 5245 alone (RFC 8445 §10).
    public var supportsICE2: Bool { options.contains("ice2") }
}

import Crypto
import Foundation
public import ICE

/// What the server and its callers share, and what all that they have to know of each other comes from:
///
///     number      12 random characters, and the code of these
///     fragments   the number and S for the server's, the number and C for the caller's
///     passwords   the codes of the fragments
///
/// A code is an HMAC with SHA-256. A stranger can't make a number, so that his checks cost the server one code each and no client. He may
/// repeat a number that he has seen on its way, but does not know the passwords. Who fears that puts the hour into the number.
public struct EchoSecret: Sendable {
    private let key: SymmetricKey

    private static let characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    private static let randomCount = 12

    /// A secret is as good as it is hard to guess.
    public init(_ text: String) { key = SymmetricKey(data: SHA256.hash(data: Data(text.utf8))) }

    /// A ticket for a new call.
    public func drawTicket() throws -> EchoTicket {
        try ticket(String((0..<Self.randomCount).compactMap { _ in Self.characters.randomElement() }))
    }

    /// The ticket that a check goes by; nil for one that was not drawn with the secret.
    public func ticket(of check: UnknownUsername) -> EchoTicket? {
        let random = String(check.usernameFragment.prefix(Self.randomCount))
        let code = check.usernameFragment.dropFirst(Self.randomCount).dropLast()
        guard let code = Data(base64Encoded: "\(code)="),
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Data(random.utf8), using: key),
            let ticket = try? ticket(random),
            (ticket.server.usernameFragment, ticket.caller.usernameFragment)
                == (check.usernameFragment, check.remoteUsernameFragment)
        else { return nil }
        return ticket
    }

    private func ticket(_ random: String) throws -> EchoTicket {
        let number = random + code(of: random)
        let (server, caller) = (number + "S", number + "C")
        return EchoTicket(
            server: try Credentials(usernameFragment: server, password: code(of: server)),
            caller: try Credentials(usernameFragment: caller, password: code(of: caller)))
    }

    /// In base64, which has the characters of ICE's credentials.
    private func code(of text: String) -> String {
        let code = Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
        return String(code.base64EncodedString().prefix { $0 != "=" })
    }
}

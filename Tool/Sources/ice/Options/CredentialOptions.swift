import ArgumentParser
import Foundation

/// Who we are at TURN servers.
struct CredentialOptions: ParsableArguments {
    @Option(help: "The user name at the TURN servers; otherwise what ICE_TURN_USER says.") var user: String?
    @Option(help: "The password at the TURN servers; otherwise what ICE_TURN_PASSWORD says.") var password: String?

    /// The name and the password, from the options or else from the environment.
    ///
    /// - Throws: `ValidationError` where one of them is missing.
    func credentials(in environment: [String: String] = ProcessInfo.processInfo.environment) throws -> (
        user: String, password: String
    ) {
        guard let user = user ?? environment["ICE_TURN_USER"] else {
            throw ValidationError("A TURN server needs a user name: give --user, or set ICE_TURN_USER.")
        }
        guard let password = password ?? environment["ICE_TURN_PASSWORD"] else {
            throw ValidationError("A TURN server needs a password: set ICE_TURN_PASSWORD, or give --password.")
        }
        return (user, password)
    }
}

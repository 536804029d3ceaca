import ArgumentParser
import Foundation
import ICE

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

/// Whom to trust under TLS and DTLS.
struct TrustOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Trust the authorities in this PEM file only.", valueName: "file")) var ca: String?
    @Option(help: ArgumentHelp("The name that the server's certificate has to be for.", valueName: "name"))
    var serverName: String?
    @Flag(help: "Trust any certificate: whoever is on the way can pose as the server.") var insecure = false

    func validate() throws {
        if ca != nil && insecure { throw ValidationError("--ca and --insecure exclude each other.") }
    }

    func tlsOptions() throws -> TLSOptions {
        var tls = TLSOptions(serverName: serverName)
        if insecure { tls.trust = .unverified }
        if let ca {
            guard let pem = FileManager.default.contents(atPath: ca) else {
                throw ValidationError("--ca: \(ca) can't be read.")
            }
            tls.trust = .authorities(pem: [UInt8](pem))
        }
        return tls
    }
}

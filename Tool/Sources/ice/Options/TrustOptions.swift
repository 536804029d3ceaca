import ArgumentParser
import Foundation
import ICE

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

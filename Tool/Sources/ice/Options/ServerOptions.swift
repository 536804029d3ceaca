import ArgumentParser
import ICE

/// Which servers help to gather candidates.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A STUN server, such as stun:stun.example.org:3478; may be given again.", valueName: "url"))
    var stun: [String] = []
    @Option(
        help: ArgumentHelp(
            "A TURN server, such as turn:turn.example.org?transport=tcp or turns:turn.example.org; may be given again.",
            valueName: "url"))
    var turn: [String] = []
    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var trust: TrustOptions

    func validate() throws {
        _ = try servers()
    }

    /// One server for each URL, in their order.
    func servers() throws -> [ICEServer] {
        let tls = try trust.tlsOptions()
        do {
            var servers = try stun.map { text in
                let url = ServerURLText.complete(text, scheme: "stun")
                guard url.hasPrefix("stun") else { throw ValidationError("--stun takes a stun: URL, not \(text).") }
                return try ICEServer(urls: [url], tls: tls)
            }
            guard !turn.isEmpty else { return servers }
            let (user, password) = try credentials.credentials()
            servers += try turn.map { text in
                let url = ServerURLText.complete(text, scheme: "turn")
                guard url.hasPrefix("turn") else { throw ValidationError("--turn takes a turn: URL, not \(text).") }
                return try ICEServer(urls: [url], username: user, credential: password, tls: tls)
            }
            return servers
        } catch let error as ICESyntaxError {
            throw ValidationError(error.message)
        }
    }
}

/// Server URLs as people write them.
enum ServerURLText {
    private static let schemes = ["stun", "stuns", "turn", "turns"]

    /// The URL, with a scheme in front where a host and perhaps a port stand alone; its scheme in small letters.
    static func complete(_ text: String, scheme: String) -> String {
        guard let colon = text.firstIndex(of: ":") else { return "\(scheme):\(text)" }
        let given = text[..<colon].lowercased()
        return schemes.contains(given) ? given + text[colon...] : "\(scheme):\(text)"
    }
}

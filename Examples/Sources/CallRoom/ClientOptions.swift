import ArgumentParser
import ICE

/// What of the clients' configuration is chosen on the command line.
struct ClientOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A STUN server; may be given again.", valueName: "host:port")) var stun: [String] = []
    @Flag(help: "Use 127.0.0.1 and ::1 too.") var loopback = false
    @Flag(help: "Tell and take no IPv6 candidates.") var noIpv6 = false
    @Flag(help: "Tell and take no link-local candidates.") var noLinkLocal = false

    func validate() throws {
        do {
            _ = try servers()
        } catch {
            throw ValidationError(error.message)
        }
    }

    func configuration(for side: Side) -> ICEConfiguration {
        var configuration = ICEConfiguration(role: side == .offer ? .controlling : .controlled)
        configuration.servers = (try? servers()) ?? []
        configuration.includesLoopback = loopback
        return configuration
    }

    /// Whether a candidate is told to, or taken from, the other side. Any rule may stand here.
    func accepts(_ candidate: Candidate) -> Bool {
        let ip = candidate.address.ip
        return !(noIpv6 && ip.family == .v6) && !(noLinkLocal && ip.isLinkLocal)
    }

    private func servers() throws(ICESyntaxError) -> [ICEServer] {
        try stun.map { server throws(ICESyntaxError) in try ICEServer(urls: ["stun:\(server)"]) }
    }
}

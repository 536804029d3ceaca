import ICE
import Measuring

/// Makes many calls and holds them until SIGTERM: `bench-calls pairs|server|caller --count N …`.
///
/// `pairs` has both ends of each call in one process, each client with a socket of its own, or with `--shared yes` the answering ones on
/// a shared port. `server` has its ends on one shared port, and
/// `caller` the others, with a socket each; the two are a process each, and signal over `--signal DESCRIPTOR`. A line of type `base`
/// comes before the clients are made, one of type `connected` when all are, and `status` every `--interval` seconds after that.
@main
struct Calls {
    static func main() throws {
        ThisProcess.raiseDescriptorLimit()
        ThisProcess.watchForEnd()
        let options = Options()
        let loop = try EventLoop()
        switch options.command {
        case "pairs":
            tellBase()
            let port = options["shared"] == "yes" ? try SharedPort(loop: loop, configuration: .measured) : nil
            let calls = try PairedCalls(loop: loop, count: options.number("count"), port: port)
            guard calls.connect() else { Options.refuse("not all calls were connected in time") }
            StatusReport(loop: loop, options: options, clients: calls.clients).runUntilEnd()
        case "server", "caller":
            let end = try CallEnd(loop: loop, isServer: options.command == "server", options: options)
            // What the first client of a process makes once for all is no cost of each.
            let first = CallSide(end: end, count: 1)
            guard first.connect() else { Options.refuse("the first call was not connected in time") }
            tellBase()
            let side = CallSide(end: end, count: options.number("count"))
            guard side.connect() else { Options.refuse("not all calls were connected in time") }
            side.tellConnected()
            StatusReport(loop: loop, options: options, clients: side.clients, echoes: end.echoes).runUntilEnd()
            first.close()
        default: Options.refuse("bench-calls pairs|server|caller --count N --interval SECONDS")
        }
    }

    private static func tellBase() { ResultLine("base").with(Usage()).write() }
}

extension ICEConfiguration {
    /// What all clients are made with: this machine alone, and the profile for servers.
    static func measured(role: Role, isLite: Bool = false) -> ICEConfiguration {
        var configuration = ICEConfiguration(role: role)
        configuration.pacing = .server
        configuration.includesLoopback = true
        configuration.localAddresses = [.loopback(.v4)]
        configuration.multicastDNS = .off
        configuration.isLite = isLite
        return configuration
    }
}

extension SharedPortConfiguration {
    static let measured = SharedPortConfiguration(port: 0, addresses: [.loopback(.v4)])
}

extension ICEState {
    /// Whether data can be sent.
    var isUsable: Bool { self == .connected || self == .completed }
}

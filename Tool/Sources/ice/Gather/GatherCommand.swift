import ArgumentParser
import ICE

/// `ice gather`: the candidates that this machine and its servers give.
struct GatherCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gather",
        abstract: "Gathers candidates: what a call from here would be made of.",
        discussion: """
            ice gather --stun stun.example.org --turn turn.example.org --user alice

            Tells each candidate as it comes, each server that gives none and what to do about it, and at the end what the findings \
            mean for calls. Exits with 1 when there is no candidate, or when a server failed.

            With --json (here in several lines), a candidate, an error, and last the summary:

            {"type":"candidate","kind":"srflx","address":"203.0.113.5","port":61234,
             "protocol":"udp","server":"stun:stun.example.org","priority":1694498815,
             "milliseconds":21.4,"candidate":"candidate:2 1 udp 1694498815 203.0.113.5 …"}
            {"type":"error","url":"turn:turn.example.org","code":401,"milliseconds":43,
             "fault":{"name":"credentials","message":"401 Unauthorized","advice":"…"}}
            {"type":"summary","works":false,"host":1,"serverReflexive":1,"relayed":0,
             "servers":[{"url":"stun:stun.example.org","outcome":"candidates"},
                        {"url":"turn:turn.example.org","outcome":"failed","fault":{…}}],
             "verdict":"host and server-reflexive: …","milliseconds":43}

            A relayed candidate has a "relayProtocol" (udp, tcp, tls, dtls), a host candidate no "server". A server's outcome is \
            candidates, nothing-new or failed. The summary has a "remark" where peers elsewhere can't reach a relayed address.
            """)

    enum Policy: String, ExpressibleByArgument, CaseIterable {
        case all, relay
        case noHost = "no-host"
    }

    @OptionGroup(title: "Servers") var servers: ServerOptions
    @OptionGroup(title: "This machine") var network: NetworkOptions
    @Option(help: "Which candidates are wanted.") var policy = Policy.all
    @Option(help: ArgumentHelp("How long silent servers are waited for.", valueName: "seconds")) var timeout = Seconds(
        10)
    @OptionGroup var output: OutputOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        if policy == .relay && servers.turn.isEmpty { throw ValidationError("--policy relay needs a --turn server.") }
        if policy == .noHost && servers.stun.isEmpty && servers.turn.isEmpty {
            throw ValidationError("--policy no-host needs a --stun or --turn server.")
        }
    }

    func run() throws {
        var configuration = ICEConfiguration()
        configuration.servers = try servers.servers()
        configuration.pacing = .fast
        configuration.gatheringTimeout = timeout.duration
        configuration.transportPolicy =
            switch policy {
            case .all: .all
            case .relay: .relay
            case .noHost: .noHost
            }
        try network.apply(to: &configuration)

        let loop = try EventLoop()
        let client = ICEClient(loop: loop, configuration: configuration, logger: log.logger)
        network.apply(to: client)
        let run = GatherRun(client: client, loop: loop, console: output.makeConsole())
        let summary = run.run(atMost: timeout.duration + .seconds(5))
        loop.close()
        if !summary.works { throw ExitCode.failure }
    }
}

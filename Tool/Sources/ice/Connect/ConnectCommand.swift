import ArgumentParser
import ICE

/// `ice connect`: two machines find each other and measure what is between them.
struct ConnectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Connects two machines and measures round trips, loss and throughput between them.",
        discussion: """
            ice connect --stun stun:stun.example.org --throughput 5
            ice connect --room /mnt/shared/room --count 20

            Run it on both machines: each shows a line, to be pasted into the other. Where both see the same folder, --room FOLDER \
            carries the lines, which the same user has to read there. A line holds what lets the other side in: show it to nobody else.

            It pings until --count is reached, until Ctrl-C, or until the other side leaves. Exits with 0 when pings came back, and \
            with 1 when there was no connection, or when it was lost.

            Once the other side's line is here, times count from then.

            With --json (here in several lines); standard input takes the other side's line:

            {"type":"invitation","line":"ice1:…"}
            {"type":"state","state":"connected","milliseconds":812}
            {"type":"path","local":"192.168.1.2:50000 (host)",
             "remote":"203.0.113.5:61234 (srflx)","relayed":false,"milliseconds":811}
            {"type":"ping","number":1,"milliseconds":24.1}
            {"type":"throughput","direction":"up","bitsPerSecond":93100000,
             "bytes":58187500,"seconds":5,"loss":0.001}
            {"type":"summary","works":true,"path":"192.168.1.2:50000 (host) - …",
             "relayed":false,"pathChanges":0,"sent":20,"received":20,"loss":0,
             "roundTrip":{"minimum":23.9,"average":24.4,"maximum":27}}

            Where it does not work, the summary has a "fault". Errors are as those of ice gather.
            """)

    @Option(help: ArgumentHelp("Exchange the lines through this folder, which both sides see.", valueName: "folder"))
    var room: String?
    @Option(help: "How many pings to send; otherwise there is no end.") var count: Int?
    @Option(help: ArgumentHelp("The time between two pings.", valueName: "seconds")) var interval = Seconds(0.2)
    @Option(help: ArgumentHelp("Measure throughput too, for so long each way.", valueName: "seconds"))
    var throughput: Seconds?
    @Option(help: ArgumentHelp("How long to try, once the other side's line is here.", valueName: "seconds"))
    var timeout = Seconds(300)
    @Flag(help: "Use relayed candidates only.") var relayOnly = false
    @OptionGroup(title: "Servers") var servers: ServerOptions
    @OptionGroup(title: "This machine") var network: NetworkOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is 1 or more.") }
        if let throughput, throughput.value > ConnectRun.longestThroughput {
            throw ValidationError("--throughput is at most \(Int(ConnectRun.longestThroughput)) s.")
        }
        if relayOnly && servers.turn.isEmpty { throw ValidationError("--relay-only needs a --turn server.") }
    }

    private func iceConfiguration() throws -> ICEConfiguration {
        var configuration = ICEConfiguration()
        configuration.servers = try servers.servers()
        configuration.transportPolicy = relayOnly ? .relay : .all
        configuration.renomination = true
        configuration.patienceInterval = timeout.duration
        // People take their time to paste the second line: until then the first side's checks keep NATs open.
        configuration.pacing = .fast
        configuration.pacing.measuredTimeoutFloor = nil
        configuration.pacing.initialRetransmissionTimeout = .milliseconds(500)
        configuration.pacing.evenRequests = max(4, Int(timeout.value * 2))
        try network.apply(to: &configuration)
        return configuration
    }

    func run() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let console = output.makeConsole()
        let client = ICEClient(loop: loop, configuration: try iceConfiguration(), logger: log.logger)
        network.apply(to: client)
        let signalling: any Signalling
        do {
            signalling = try room.map { try Room(at: $0, on: loop) } ?? PastedLines(on: loop)
        } catch let error as Unpublished {
            throw ValidationError(error.fault.text)
        }
        let plan = ConnectRun.Plan(
            pings: count, interval: interval.duration, throughput: throughput?.value, timeout: timeout.duration)
        let run = ConnectRun(client: client, loop: loop, console: console, signalling: signalling, plan: plan)
        let interrupts = try Mailbox<Void>(on: loop) { run.leave() }
        let interrupt = Interrupt { [sender = interrupts.sender] in sender.send(()) }
        let summary = run.run()
        interrupt.close()
        interrupts.close()
        if !summary.works { throw ExitCode.failure }
    }
}

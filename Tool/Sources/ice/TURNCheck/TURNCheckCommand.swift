import ArgumentParser
import ICE

/// `ice turn-check`: whether TURN servers work, over which transports, and how well.
struct TURNCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turn-check",
        abstract: "Checks TURN servers: allocation, permissions, channels, round trips and loss, and what is wrong.",
        discussion: """
            ice turn-check turn:turn.example.org turns:turn.example.org --user alice

            A URL says how the server is spoken to: turn: over UDP, with ?transport=tcp over TCP; turns: over TLS, with \
            ?transport=udp over DTLS. --all-transports tries all four at each host; the port of a URL then goes with its scheme, \
            and the other scheme has its default one (3478 for turn:, 5349 for turns:).

            Datagrams are relayed between two allocations of our own, as in a call of two people with the same server; where the \
            server forbids that, between an allocation and a socket of this machine. A round trip crosses the server twice. \
            Exits with 0 when every URL works, with --all-transports when each host does over one of them.

            With --json (here in several lines), each URL, and last the summary:

            {"type":"relay","url":"turns:turn.example.org","host":"turn.example.org",
             "transport":"tls","works":true,"allocationMilliseconds":61,
             "serverMilliseconds":12.1,"relayedAddress":"198.51.100.1:50000",
             "reflexiveAddress":"203.0.113.5:61234","lifetime":600,
             "peer":"allocation","permission":true,"channel":true,"sent":20,
             "received":20,"loss":0,
             "roundTrip":{"minimum":23.9,"average":24.4,"maximum":27}}
            {"type":"relay","url":"turn:turn.example.org","host":"turn.example.org",
             "transport":"udp","works":false,
             "fault":{"name":"credentials","message":"401 Unauthorized","advice":"…"}}
            {"type":"summary","works":false,"working":1,"failed":1}

            The peer is "allocation" or "socket". A "remark" tells of a relayed address that peers elsewhere can't reach. Faults are named credentials, forbidden, quota, capacity, family, transport, name, \
            unreachable, certificate-expired, certificate-name, certificate-untrusted, certificate-rejected, tls, not-turn, \
            not-relayed or error.
            """)

    @Argument(help: ArgumentHelp("The server, such as turn:turn.example.org:3478?transport=tcp.", valueName: "url"))
    var urls: [String]
    @Flag(help: "Try UDP, TCP, TLS and DTLS at each server.") var allTransports = false
    @OptionGroup(title: "Credentials") var credentials: CredentialOptions
    @OptionGroup(title: "Certificates") var trust: TrustOptions
    @Option(help: "How many datagrams to relay, 1 to 10000.") var count = 20
    @Option(help: ArgumentHelp("The time between two datagrams.", valueName: "seconds")) var interval = Seconds(0.02)
    @Option(help: "How many bytes a datagram has, 4 to 1400.") var size = 200
    @Flag(help: "Ask for IPv6 relayed addresses.") var ipv6 = false
    @Option(help: ArgumentHelp("How long an answer is waited for.", valueName: "seconds")) var timeout = Seconds(5)
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard 1...10_000 ~= count else { throw ValidationError("--count is 1 to 10000.") }
        guard 4...1400 ~= size else { throw ValidationError("--size is 4 to 1400 bytes.") }
        _ = try configurations()
    }

    /// What is checked, in the order of the URLs.
    private func configurations() throws -> [(url: String, configuration: TURNClientConfiguration)] {
        let (user, password) = try credentials.credentials()
        let tls = try trust.tlsOptions()
        do {
            return try urls.flatMap { url in
                try TURNURLs.expand(ServerURLText.complete(url, scheme: "turn"), allTransports: allTransports)
            }.map { url in
                var configuration = try TURNClientConfiguration(url: url, username: user, password: password)
                configuration.tls = tls
                configuration.relayFamilies = [ipv6 ? .v6 : .v4]
                // Its own patience ends with a step's, so that what it has to say about a silent server comes first.
                configuration.retransmission.evenRequests = 4
                configuration.retransmission.reliableTimeout = timeout.duration
                return (url, configuration)
            }
        } catch let error as ICESyntaxError {
            throw ValidationError(error.message)
        }
    }

    func run() throws {
        let console = output.makeConsole()
        let loop = try EventLoop()
        defer { loop.close() }
        let plan = RelayProbe.Plan(
            count: count, interval: interval.duration, size: size, timeout: timeout.duration)
        var findings: [RelayFinding] = []
        for (url, configuration) in try configurations() {
            let probe = RelayProbe(url: url, configuration: configuration, plan: plan, loop: loop, console: console)
            let finding = probe.run()
            findings.append(finding)
            console.tell(finding)
        }
        if findings.count > 1 {
            console.say()
            console.say(RelayFinding.table(findings))
        }
        let works = TURNCheckSummary.works(findings, ofEachServer: allTransports)
        console.tell(TURNCheckSummary(works: works, findings: findings))
        if !works { throw ExitCode.failure }
    }
}

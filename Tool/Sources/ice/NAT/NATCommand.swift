import ArgumentParser
import ICE

/// `ice nat`: how the NATs in front of this machine treat UDP.
struct NATCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat",
        abstract: "Finds out what this network's NAT does to UDP, and what that means for calls (RFC 5780).",
        discussion: """
            ice nat stun.example.org

            It takes 5 to 10 s, and a STUN server with two addresses (coturn with two listening-ip); with another one it says what \
            could be told, and what could not. --lifetime measures for some minutes how long mappings last without traffic. \
            Exits with 1 when nothing came back over UDP.

            With --json (here in several lines):

            {"type":"nat","works":true,"server":"198.51.100.1:3478",
             "localAddress":"192.168.1.2:50000","publicAddress":"203.0.113.5:61234",
             "preservesPort":false,"mapping":"endpoint-independent",
             "filtering":"address- and port-dependent","hairpins":false,
             "mappingLifetime":{"atLeast":112,"lessThan":123},"gaps":[],
             "verdict":"direct-to-most","meaning":"direct calls to most peers …",
             "milliseconds":7012}
            {"type":"error","fault":{"name":"name","message":"…","advice":"…"}}

            What was not found out is left out, and "gaps" says why. The mapping is none, endpoint-independent, address-dependent or \
            address- and port-dependent; the verdict direct-to-all, direct-to-most, direct-to-few, no-udp or unknown.
            """)

    @Argument(help: ArgumentHelp("The STUN server, such as stun:stun.example.org:3478.", valueName: "server"))
    var server: String
    @Flag(help: "Measure how long mappings last, too.") var lifetime = false
    @Option(help: ArgumentHelp("The lifetime beyond which it does not matter.", valueName: "seconds"))
    var longestLifetime = Seconds(180)
    @Option(help: ArgumentHelp("Send from this local address, with a port or without.", valueName: "address"))
    var address: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        _ = try clientConfiguration()
        if longestLifetime.value < 10 { throw ValidationError("--longest-lifetime is 10 s or more.") }
    }

    private func clientConfiguration() throws -> STUNClientConfiguration {
        let url = ServerURLText.complete(server, scheme: "stun")
        guard url.hasPrefix("stun:") else {
            throw ValidationError("Only what NATs do to UDP can be found out: give a stun: URL, not \(server).")
        }
        do {
            var configuration = try STUNClientConfiguration(url: url)
            configuration.localAddress = try localAddress()
            configuration.preferredFamily = configuration.localAddress?.family
            return configuration
        } catch let error as ICESyntaxError {
            throw ValidationError(error.message)
        }
    }

    private func localAddress() throws -> TransportAddress? {
        guard let address else { return nil }
        if let ip = IPAddress(address) { return TransportAddress(ip, port: 0) }
        guard let address = TransportAddress(address) else {
            throw ValidationError("--address takes an IP address, perhaps with a port, not \(address).")
        }
        return address
    }

    func run() throws {
        var options = NATDiscoveryOptions()
        options.measuresMappingLifetime = lifetime
        options.longestLifetime = longestLifetime.duration
        let console = output.makeConsole()
        let loop = try EventLoop()
        defer { loop.close() }
        let client = try STUNClient(loop: loop, configuration: try clientConfiguration())
        let start = loop.now
        var result: Result<NATReport, STUNClientError>?
        client.discoverNATBehavior(options) { result = $0 }
        let clock = Timer(on: loop) {
            console.show(status: "asking \(client.configuration.host), \((loop.now - start).components.seconds) s")
        }
        if console.isLive { clock.start(after: .zero, repeating: .seconds(1)) }
        while result == nil, loop.run(.once) {}
        client.close()
        clock.close()
        switch result {
        case .success(let report):
            let finding = NATFinding(report, milliseconds: (loop.now - start).roundedMilliseconds)
            console.tell(finding)
            if !finding.works { throw ExitCode.failure }
        case .failure(let error):
            console.tell(FaultFinding(fault: Fault(error)))
            throw ExitCode.failure
        case nil: throw ExitCode.failure
        }
    }
}

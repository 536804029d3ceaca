import ArgumentParser
import Foundation
import ICE
import Logging

@main
struct ICEPeer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ice-peer",
        abstract: "An ICE agent behind JSON lines, for interoperability tests and scripts.",
        discussion: """
            Signalling is one JSON object per line: what this agent has to say goes to standard output, what the other one said \
            comes in on standard input. The program ends on {"type":"close"} and at the end of input. {"type":"restart"} restarts ICE: \
            new credentials are told, then all candidates again, as they are when the other one's credentials change. \
            {"type":"stream"} begins to send a short numbered datagram every 20 ms (or "interval" ms). \
            {"type":"statistics"} asks for what was counted, in the words of WebRTC's getStats(). A trace (--trace) tells every \
            candidate, pair, check, answer and change of state with the time in milliseconds since the start, and no password.
            """)

    enum Profile: String, ExpressibleByArgument, CaseIterable {
        case standard, fast, server
    }

    enum NominationKind: String, ExpressibleByArgument, CaseIterable {
        case regular, eager
    }

    enum TURNTransport: String, ExpressibleByArgument, CaseIterable {
        case udp, tcp, tls, dtls
    }

    @Flag(help: "This agent chooses the pair (the default).") var controlling = false
    @Flag(help: "The other agent chooses the pair.") var controlled = false
    @Flag(help: "Be an ICE-lite agent: host candidates only, no checks; the other agent chooses the pair.") var lite =
        false
    @Option(help: ArgumentHelp("A STUN server; may be given again.", valueName: "host:port")) var stun: [String] = []
    @Option(help: "How fast checks are sent.") var profile = Profile.standard
    @Option(help: "Whether a pair is chosen by a check of its own, or with its first one.") var nomination =
        NominationKind.regular
    @Flag(help: "Gather for as long as the session lasts, and restart by itself when the path is lost.")
    var continual = false
    @Flag(help: "Move to a better path later, where the other agent agrees.") var renomination = false
    @Flag(help: "Ask TURN servers to keep a relay when this host's address changes (RFC 8016).") var mobility = false
    @Flag(help: "Tell candidates only once all are gathered.") var noTrickle = false
    @Flag(help: "Use 127.0.0.1 and ::1 too.") var loopback = false
    @Option(help: ArgumentHelp("Use this local address only.", valueName: "address")) var bind: String?
    @Flag(help: "Tell local addresses as names of multicast DNS, which work on the local network only.") var mdns =
        false
    @Option(
        help: ArgumentHelp(
            "Use this port, as a server with one port for all its clients does; 0 takes a free one.",
            valueName: "port"))
    var sharedPort: UInt16?
    @Flag(help: "Use TCP candidates too.") var tcp = false
    @Flag(help: "Use TCP candidates alone; relays are asked for over TCP and TLS.") var tcpOnly = false
    @Flag(help: "With TCP, open connections from both sides at once too.") var tcpSimultaneousOpen = false
    @Flag(help: "With TCP, have relays for it too, on TURN servers that are reached over TCP or TLS.") var tcpRelays =
        false
    @Flag(help: "Send back what arrives.") var echo = false
    @Flag(help: "Count what arrives rather than show it.") var count = false
    @Flag(help: "Hand the datagrams of a bench to the system several at a time.") var batch = false
    @Flag(help: "Log to standard error.") var verbose = false
    @Option(help: ArgumentHelp("Save all that happens here, a JSON object a line.", valueName: "file"))
    var trace: String?

    @Option(help: ArgumentHelp("A TURN server, or its whole URL; may be given again.", valueName: "host:port"))
    var turn: [String] = []
    @Option(help: ArgumentHelp("The user name at the TURN servers.", valueName: "user")) var turnUser: String?
    @Option(help: ArgumentHelp("The password at the TURN servers.", valueName: "password")) var turnPassword: String?
    @Option(help: "How the TURN servers that are no URLs are spoken to.") var turnTransport = TURNTransport.udp
    @Option(help: ArgumentHelp("Trust the authorities in this PEM file only.", valueName: "file")) var turnCa: String?
    @Flag(help: "Trust any certificate.") var turnInsecure = false
    @Flag(help: "Use relayed candidates only.") var relayOnly = false

    func validate() throws {
        if lite && !(stun.isEmpty && turn.isEmpty) {
            throw ValidationError("--lite has host candidates only: leave --stun and --turn out.")
        }
        if continual && noTrickle { throw ValidationError("--continual never ends gathering: leave --no-trickle out.") }
        if controlling && controlled { throw ValidationError("--controlling and --controlled exclude each other.") }
        if !turn.isEmpty, turnUser == nil || turnPassword == nil {
            throw ValidationError("--turn needs --turn-user and --turn-password.")
        }
        if tcpSimultaneousOpen && !tcp && !tcpOnly {
            throw ValidationError("--tcp-simultaneous-open needs --tcp or --tcp-only.")
        }
        if tcpRelays && !tcp && !tcpOnly { throw ValidationError("--tcp-relays needs --tcp or --tcp-only.") }
        if relayOnly && turn.isEmpty { throw ValidationError("--relay-only needs a --turn server.") }
        if turnCa != nil && turnInsecure { throw ValidationError("--turn-ca and --turn-insecure exclude each other.") }
        do {
            _ = try iceConfiguration()
        } catch let error as ICESyntaxError {
            throw ValidationError(error.message)
        }
    }

    private func iceConfiguration() throws -> ICEConfiguration {
        var configuration = ICEConfiguration(role: controlled ? .controlled : .controlling)
        configuration.servers = try stun.map { server throws(ICESyntaxError) in try ICEServer(urls: ["stun:\(server)"])
        }
        if !turn.isEmpty { configuration.servers.append(try turnServers()) }
        configuration.transportPolicy = relayOnly ? .relay : .all
        configuration.includesLoopback = loopback
        configuration.isLite = lite
        configuration.transports = transports
        if mdns { configuration.multicastDNS = .publish }
        configuration.pacing =
            switch profile {
            case .standard: .standard
            case .fast: .fast
            case .server: .server
            }
        configuration.nomination = nomination == .eager ? .eager : .regular
        configuration.gatheringPolicy = continual ? .continually : .once
        configuration.restartsByItself = continual
        configuration.renomination = renomination
        configuration.relayMobility = mobility
        if let bind {
            guard let address = IPAddress(bind) else {
                throw ValidationError("--bind takes an IPv4 or IPv6 address, not \(bind).")
            }
            configuration.localAddresses = [address]
        }
        return configuration
    }

    private var transports: CandidateTransports {
        var transports: CandidateTransports = tcpOnly ? .tcp : .udp
        if tcp { transports.insert(.tcp) }
        if tcpSimultaneousOpen { transports.insert(.simultaneousOpen) }
        if tcpRelays { transports.insert(.relayedTCP) }
        return transports
    }

    private func openPort(on loop: EventLoop) throws -> SharedPort? {
        guard let sharedPort else { return nil }
        var configuration = SharedPortConfiguration(port: sharedPort)
        configuration.takesConnections = transports.contains(.tcp)
        configuration.includesLoopback = loopback
        if let address = bind.flatMap(IPAddress.init) { configuration.addresses = [address] }
        return try SharedPort(loop: loop, configuration: configuration)
    }

    private func turnServers() throws -> ICEServer {
        var tls = TLSOptions()
        if turnInsecure { tls.trust = .unverified }
        if let turnCa {
            guard let pem = FileManager.default.contents(atPath: turnCa) else {
                throw ValidationError("--turn-ca: \(turnCa) can't be read.")
            }
            tls.trust = .authorities(pem: [UInt8](pem))
        }
        let urls = turn.map { server in
            if server.hasPrefix("turn:") || server.hasPrefix("turns:") { return server }
            return switch turnTransport {
            case .udp: "turn:\(server)?transport=udp"
            case .tcp: "turn:\(server)?transport=tcp"
            case .tls: "turns:\(server)?transport=tcp"
            case .dtls: "turns:\(server)?transport=udp"
            }
        }
        return try ICEServer(urls: urls, username: turnUser, credential: turnPassword, tls: tls)
    }

    func run() throws {
        let loop = try EventLoop()
        let options = Peer.Options(
            trickles: !noTrickle, echoes: echo, onlyCounts: count, sendsBatches: batch,
            trace: try trace.map(TraceFile.init(path:)))
        let peer = try Peer(
            loop: loop, port: try openPort(on: loop), configuration: try iceConfiguration(), options: options,
            logger: verbose ? Self.standardErrorLogger() : nil)
        let input = try Mailbox<String?>(on: loop)
        input.onMessage = { line in
            if let line, peer.handle(line) { return }
            peer.close()
            input.close()
        }
        readStandardInput(into: input.sender)
        peer.start()
        loop.run()
        loop.close()
    }

    private func readStandardInput(into sender: Mailbox<String?>.Sender) {
        Thread.detachNewThread {
            while let line = readLine() { sender.send(line) }
            sender.send(nil)
        }
    }

    private static func standardErrorLogger() -> Logger {
        var logger = Logger(label: "ice-peer") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .debug
        return logger
    }
}

import ArgumentParser
import EchoTicket
import Foundation
import ICE

// The program, from the command line inwards:
//   EchoLoad               what is asked for
//   Load                   all callers: one after the other begins, then all talk, then it is told what came of it
//   Caller                 one of them
//   RoundTrips             how long the echoes took

@main
struct EchoLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo-load", abstract: "Many callers of an echo-server, and what becomes of what they say.",
        discussion: """
            Each caller has a UDP socket of its own, which takes a descriptor (ulimit -n). To a server on 127.0.0.1 they can come from many \
            addresses, on Linux: one has some 28,000 ports. With --tcp each has a connection, to a server that has --tcp as well.

            Exits with 1 where not all callers got through, or no echo came; after 5 seconds where nobody answers at all.
            """)

    @Argument(help: ArgumentHelp("Where the server is.", valueName: "address:port")) var server: String
    @Flag(help: "Call over TCP.") var tcp = false
    @Option(help: "How many callers there are.") var clients = 100
    @Option(help: "How many of 127.0.0.1, 127.0.0.2 and so on they come from, in turns.") var addresses = 1
    @Option(help: "How many of them begin in a second: 1000 unless told otherwise, 100 over TCP.") var ramp: Int?
    @Option(help: "How many datagrams each of them sends in a second.") var rate = 50.0
    @Option(help: "For how long they send, in seconds.") var duration = 5.0
    @Option(help: "How many bytes a datagram has.") var size = 160
    @Option(help: "How long the last one may take to get through, in seconds.") var patience = 20.0
    @Option(help: "What the server wants to be known; ECHO_SECRET hides it.") var secret: String?

    func validate() throws {
        guard let givenSecret, givenSecret.count >= 8 else {
            throw ValidationError("ECHO_SECRET (or --secret) needs 8 characters or more.")
        }
        guard let place = TransportAddress(server), place.port != 0 else {
            throw ValidationError("The server is an address and a port, such as 127.0.0.1:3478.")
        }
        guard 1...1_000_000 ~= clients else { throw ValidationError("--clients takes 1 to 1000000.") }
        guard 1...65_000 ~= addresses else { throw ValidationError("--addresses takes 1 to 65000.") }
        guard addresses == 1 || place.ip.isLoopback && place.family == .v4 else {
            throw ValidationError("--addresses is for servers on 127.0.0.1 and its like.")
        }
        guard 1...1_000_000 ~= givenRamp else { throw ValidationError("--ramp takes 1 to 1000000 a second.") }
        guard 0.01...1_000_000 ~= rate else { throw ValidationError("--rate takes 0.01 to 1000000 a second.") }
        guard 0.1...86_400 ~= duration else { throw ValidationError("--duration takes 0.1 to 86400 seconds.") }
        guard Caller.headerSize...9_000 ~= size else {
            throw ValidationError("--size takes \(Caller.headerSize) to 9000 bytes.")
        }
        guard 1...3_600 ~= patience else { throw ValidationError("--patience takes 1 to 3600 seconds.") }
    }

    private var givenRamp: Int { ramp ?? (tcp ? 100 : 1_000) }
    private var givenSecret: String? { secret ?? ProcessInfo.processInfo.environment["ECHO_SECRET"] }

    func run() throws {
        guard let server = TransportAddress(server) else { throw ExitCode.validationFailure }
        let loop = try EventLoop()
        defer { loop.close() }
        let load = Load(
            on: loop, server: server, secret: EchoSecret(givenSecret ?? ""),
            plan: Plan(
                transports: tcp ? .tcp : .udp, clients: clients, addresses: addresses, ramp: givenRamp, rate: rate,
                duration: .seconds(duration), size: size, patience: .seconds(patience)))
        load.start()
        let isOver = loop.run(until: { load.isOver }, atMost: load.limit)
        print(load.report())
        load.close()
        guard isOver, load.hasSucceeded else { throw ExitCode.failure }
    }
}

/// How many callers there are, and what each does.
struct Plan {
    let transports: CandidateTransports
    let clients: Int
    let addresses: Int
    /// How many begin in a second.
    let ramp: Int
    /// Datagrams a second, of each.
    let rate: Double
    let duration: Duration
    let size: Int
    let patience: Duration
}

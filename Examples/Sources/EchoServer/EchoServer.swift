import ArgumentParser
import EchoTicket
import Foundation
import ICE

// The program, from the command line inwards:
//   EchoServer             what is asked for, and what is told while it goes on
//   Worker                 a loop on a thread of its own, with its share of the port
//   EchoCalls              the calls of a loop: made on demand, closed when nobody is there any more
//   House                  what the loops have in common
//   EchoTicket             a module of its own, for the caller too: how the two know each other's credentials

@main
struct EchoServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo-server",
        abstract: "One port, a call for whoever has a ticket, and all that is said comes back.",
        discussion: """
            Nobody signals: what a caller and the server have to know of each other follows from a secret that both have.

              export ECHO_SECRET="$(openssl rand -hex 16)"         # the same on both sides
              echo-server --address 127.0.0.1 --port 3478 --loops 2
              echo-load 127.0.0.1:3478 --clients 200

            With --tcp the same port is open for TCP, for callers from networks that let no UDP out (echo-load --tcp).

            It ends by SIGINT or SIGTERM and, where another program has its input in hand by a pipe, with the end of that.
            """)

    enum Kind: String, EnumerableFlag {
        case full, lite

        static func help(for value: Kind) -> ArgumentHelp? {
            value == .lite ? "Answer checks, and send none (ICE lite)." : "Check the way to the caller too."
        }
    }

    @Option(help: "The port; 0 takes a free one.") var port: UInt16 = 0
    @Flag(help: "Take calls over TCP at the same port, too.") var tcp = false
    @Option(help: "An address to be reached at, may be given again; without, all but loopback ones.") var address:
        [String] = []
    @Flag(help: "What kind of agent it is.") var kind = Kind.full
    @Option(help: "How many loops share the port, each on a thread of its own.") var loops = 1
    @Option(help: "How many calls there may be at a time.") var calls = 20_000
    @Option(help: "How often to tell what has changed, in seconds.") var every = 10
    @Option(help: "What callers have to know, 8 characters or more; ECHO_SECRET hides it.") var secret: String?

    func validate() throws {
        guard let givenSecret, givenSecret.count >= 8 else {
            throw ValidationError("ECHO_SECRET (or --secret) needs 8 characters or more.")
        }
        guard addresses.count == address.count else { throw ValidationError("--address takes an IP address.") }
        guard 1...64 ~= loops else { throw ValidationError("--loops takes 1 to 64.") }
        guard calls >= loops else { throw ValidationError("--calls takes a number of 1 or more for each loop.") }
        guard 1...3600 ~= every else { throw ValidationError("--every takes 1 to 3600 seconds.") }
    }

    private var givenSecret: String? { secret ?? ProcessInfo.processInfo.environment["ECHO_SECRET"] }
    private var addresses: [IPAddress] { address.compactMap(IPAddress.init) }

    func run() throws {
        let house = House(
            secret: EchoSecret(givenSecret ?? ""), isLite: kind == .lite, takesConnections: tcp,
            callsPerLoop: calls / loops, isShared: loops > 1)
        var ports = SharedPortConfiguration(port: port, addresses: address.isEmpty ? nil : addresses)
        ports.isCommonToLoops = house.isShared
        ports.takesConnections = tcp
        // A ticket is looked at before there is a client, so that strangers cost little.
        ports.unknownUsernamesPerSecond = 5_000

        var workers: [Worker] = []
        defer {
            for worker in workers { worker.stop() }
            if !workers.isEmpty { tell(house.counts) }
        }
        for _ in 0..<loops {
            // The system may spread peers anew when a loop joins: nobody is told of the port before all have it.
            let worker = try Worker(ports: ports, in: house)
            workers.append(worker)
            ports.port = worker.addresses.first?.port ?? port
        }
        let places = workers.first?.addresses.map(\.description) ?? []
        let transports = tcp ? " over UDP and TCP" : ""
        say("listening on \(places.joined(separator: ", "))\(transports) as a \(kind.rawValue) agent; loops: \(loops)")
        say("it ends: \(try waitForTheEnd(of: house))")
    }

    /// Returns why it is to end.
    private func waitForTheEnd(of house: House) throws -> String {
        let loop = try EventLoop()
        defer { loop.close() }
        var reason = ""
        let end = try Mailbox<String>(on: loop) { [unowned loop] text in
            reason = text
            loop.stop()
        }
        var told: [Counts] = []
        let timer = Timer(on: loop) {
            let counts = house.counts
            if counts != told { tell(counts) }
            told = counts
        }
        timer.start(after: .seconds(every), repeating: .seconds(every))
        let sender = end.sender
        if inputIsHeldByAnother {
            Thread.detachNewThread {
                while readLine() != nil {}
                sender.send("its input has ended")
            }
        }
        let signals = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")].map { number, name in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { sender.send("\(name) has come") }
            source.resume()
            return source
        }
        loop.run()
        signals.forEach { $0.cancel() }
        return reason
    }

    /// Whether the end of the input says anything: a service's is /dev/null, which ends at once, and to read a terminal from the background
    /// stops a program.
    private var inputIsHeldByAnother: Bool {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0 else { return false }
        return [S_IFIFO, S_IFSOCK].contains(status.st_mode & S_IFMT)
    }

    private func tell(_ counts: [Counts]) {
        let all = counts.reduce(Counts(), +)
        let perLoop = counts.map { "\($0.made)" }.joined(separator: " ")
        say(
            "\(all.open) calls are open, of \(all.made) (\(perLoop)); \(all.echoed) datagrams echoed, \(all.dropped) dropped; "
                + "\(all.refused) checks without a ticket, \(all.elsewhere) of calls on another loop, \(all.crowded) too many"
        )
    }

    private func say(_ line: String) {
        // Nobody reading any more is no reason to stop.
        try? FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
    }
}

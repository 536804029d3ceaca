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
        abstract: "One UDP port, a call for whoever has a ticket, and all that is said comes back.",
        discussion: """
            Nobody signals: what a caller and the server have to know of each other follows from a secret that both have.

              export ECHO_SECRET="$(openssl rand -hex 16)"         # the same on both sides
              echo-server --address 127.0.0.1 --port 3478 --loops 2
              echo-load 127.0.0.1:3478 --clients 200

            It ends by SIGINT or SIGTERM, or with the end of its input.
            """)

    enum Kind: String, EnumerableFlag {
        case full, lite

        static func help(for value: Kind) -> ArgumentHelp? {
            value == .lite ? "Answer checks, and send none (ICE lite)." : "Check the way to the caller too."
        }
    }

    @Option(help: "The UDP port; 0 takes a free one.") var port: UInt16 = 0
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
            secret: EchoSecret(givenSecret ?? ""), isLite: kind == .lite, callsPerLoop: calls / loops,
            isShared: loops > 1)
        var ports = SharedPortConfiguration(port: port, addresses: address.isEmpty ? nil : addresses)
        ports.isCommonToLoops = house.isShared
        // A ticket is looked at before there is a client, so that strangers cost little.
        ports.unknownUsernamesPerSecond = 5_000

        var workers: [Worker] = []
        defer {
            for worker in workers { worker.stop() }
            tell(house.counts)
        }
        for _ in 0..<loops {
            // The system may spread peers anew when a loop joins: nobody is told of the port before all have it.
            let worker = try Worker(ports: ports, in: house)
            workers.append(worker)
            ports.port = worker.addresses.first?.port ?? port
        }
        let places = workers.first?.addresses.map(\.description) ?? []
        say("listening on \(places.joined(separator: ", ")) as a \(kind.rawValue) agent; loops: \(loops)")
        try waitForTheEnd(of: house)
    }

    private func waitForTheEnd(of house: House) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let end = try Mailbox<Int32>(on: loop) { [unowned loop] _ in loop.stop() }
        var told: [Counts] = []
        let timer = Timer(on: loop) {
            let counts = house.counts
            if counts != told { tell(counts) }
            told = counts
        }
        timer.start(after: .seconds(every), repeating: .seconds(every))
        let sender = end.sender
        Thread.detachNewThread {
            while readLine() != nil {}
            sender.send(0)
        }
        let signals = [SIGINT, SIGTERM].map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { sender.send(number) }
            source.resume()
            return source
        }
        loop.run()
        signals.forEach { $0.cancel() }
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

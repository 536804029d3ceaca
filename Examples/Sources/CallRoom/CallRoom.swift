import ArgumentParser
import Foundation
import ICE

// The program, from the command line inwards:
//   CallRoom, ClientOptions, Demonstration   what is asked for: two processes and Redis, or a whole call in this process
//   Participant                              one side: its client, what it says and hears; SharedLoop is the loop that it is on
//   Room, CandidateBuffer, RoomEnd           signalling: what of the store becomes what of the client, and how it ends
//   CallKeys, RoomSecret, Description        the documents: where they are, how they are sealed, what they say
//   CallStore, EmbeddedStore, RedisStore     what keeps them; RedisConnection alone calls hiredis

@main
struct CallRoom: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call-room",
        abstract: "Two sides find each other through the documents of a store, and talk.",
        discussion: """
            Without arguments both sides are in this process, with a store in its memory. With a Redis server there are two processes:

              export CALL_ROOM_SECRET="$(openssl rand -hex 16)"    # the same on both sides
              call-room create --redis 127.0.0.1:6379 --room lobby
              call-room join   --redis 127.0.0.1:6379 --room lobby

            Either may come first. A line of standard input is said to the other side; /restart begins a new generation of ICE, /end \
            or the end of input ends the call for both. Exits with 1 when there was none. There is --secret too, but others on the machine see arguments.
            """)

    enum Part: String, ExpressibleByArgument, CaseIterable {
        case create, join
        var side: Side { self == .create ? .offer : .answer }
    }

    @Argument(help: "Whether to create the room or to join it.") var part: Part?
    @Option(help: ArgumentHelp("The Redis server.", valueName: "host:port")) var redis: String?
    @Option(help: "The name of the room.") var room: String?
    @Option(help: "What opens the room, 8 characters or more; CALL_ROOM_SECRET hides it.") var secret: String?
    @Option(help: "How long the documents stay when both sides are gone, in seconds.") var expiry = 60
    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard let part else {
            guard redis == nil, room == nil, secret == nil else {
                throw ValidationError("Say whether to create the room or to join it.")
            }
            return
        }
        guard let redis, let room, let secret = givenSecret else {
            throw ValidationError("\(part) needs --redis, --room and CALL_ROOM_SECRET (or --secret).")
        }
        guard RedisServer(redis) != nil else {
            throw ValidationError("--redis takes a host and a port, such as 127.0.0.1:6379.")
        }
        guard 1...64 ~= room.count,
            room.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        else { throw ValidationError("--room takes 1 to 64 letters, digits, -, _ or .") }
        guard secret.count >= 8 else { throw ValidationError("The secret needs 8 characters or more.") }
        guard 3...86_400 ~= expiry else { throw ValidationError("--expiry takes 3 to 86400 seconds.") }
    }

    private var givenSecret: String? { secret ?? ProcessInfo.processInfo.environment["CALL_ROOM_SECRET"] }

    func run() throws {
        let loop = try SharedLoop()
        defer { loop.close() }
        if let part, let redis = redis.flatMap(RedisServer.init), let room, let secret = givenSecret {
            try call(as: part.side, through: redis, room: room, secret: secret, on: loop)
        } else {
            try Demonstration(loop: loop.events, options: client).run()
        }
    }

    private func call(as side: Side, through redis: RedisServer, room: String, secret: String, on loop: SharedLoop)
        throws
    {
        let secret = RoomSecret(secret, room: room)
        let keys = CallKeys(room: room, secret: secret)
        let store = RedisStore(on: loop, server: redis, keys: keys, lifetime: expiry)
        let participant = Participant(
            side: side, loop: loop.events, store: store, keys: keys, secret: secret, options: client)
        let input = try Mailbox<String>(on: loop.events) { line in
            switch line {
            case "/end": participant.leave()
            case "/restart": participant.restart()
            default: participant.send(line)
            }
        }
        readStandardInput(into: input.sender)
        let signals = endOnSignals(input.sender)
        participant.enter()
        while participant.end == nil { loop.events.run(.once) }
        signals.forEach { $0.cancel() }
        if case .failed? = participant.end { throw ExitCode.failure }
        guard participant.hasBeenConnected else {
            tell("there was no call: the two sides have not been connected")
            throw ExitCode.failure
        }
    }

    private func readStandardInput(into sender: Mailbox<String>.Sender) {
        Thread.detachNewThread {
            while let line = readLine() { sender.send(line) }
            sender.send("/end")
        }
    }

    /// Ctrl-C ends the call as /end does, so that the other side hears of it and the documents are gone; a second time ends at once.
    private func endOnSignals(_ sender: Mailbox<String>.Sender) -> [any DispatchSourceSignal] {
        let numbers = [SIGINT, SIGTERM]
        return numbers.map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                for number in numbers { _ = signal(number, SIG_DFL) }
                sender.send("/end")
            }
            source.resume()
            return source
        }
    }
}

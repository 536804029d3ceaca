import ArgumentParser
import FlyingSocks
import Foundation
import ICE

/// Two ICE clients find each other: they gather, exchange candidates, check, nominate, and one pings the other.
@main
struct PingPong: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping-pong", abstract: "Lets two ICE clients find each other and ping.",
        discussion: """
            Without options both are in this process. With --signal http there is one, and the other is in another process, which may \
            be started before or after it:

              ping-pong --signal http --listen 127.0.0.1:9000 \\
                --peer http://127.0.0.1:9001
              ping-pong --signal http --listen 127.0.0.1:9001 \\
                --peer http://127.0.0.1:9000 --controlled
            """)

    enum Signalling: String, ExpressibleByArgument, CaseIterable {
        case direct, http
    }

    @Option(help: "How candidates are exchanged: within the process, or over HTTP with another one.")
    var signal = Signalling.direct
    @Option(
        help: ArgumentHelp(
            "Where to take the peer's signals (default: 127.0.0.1:0, which is any free port).",
            valueName: "address:port"))
    var listen: String?
    @Option(help: ArgumentHelp("Where the other process listens: its --listen.", valueName: "url")) var peer: String?
    @Flag(help: "The other client chooses the pair, and pings.") var controlled = false
    @Option(help: ArgumentHelp("How long to wait for the peer to be there.", valueName: "seconds")) var wait = 60

    func validate() throws {
        if signal == .direct {
            guard peer == nil, listen == nil, !controlled else {
                throw ValidationError("--peer, --listen and --controlled need --signal http.")
            }
            return
        }
        _ = try peerURL()
        _ = try listeningAddress()
        guard 0...3600 ~= wait else { throw ValidationError("--wait takes 0 to 3600 seconds.") }
    }

    private func peerURL() throws -> URL {
        guard let url = peer.flatMap(URL.init(string:)), url.scheme == "http" || url.scheme == "https", url.host != nil
        else {
            throw ValidationError("--signal http needs --peer, the URL that the other process prints.")
        }
        return url
    }

    private func listeningAddress() throws -> any SocketAddress {
        guard let address = TransportAddress(listen ?? "127.0.0.1:0") else {
            throw ValidationError("--listen takes an address and a port, such as 127.0.0.1:0 or [::1]:0.")
        }
        return address.family == .v4
            ? try .inet(ip4: "\(address.ip)", port: address.port) : try .inet6(ip6: "\(address.ip)", port: address.port)
    }

    func run() throws {
        switch signal {
        case .direct: try callWithinProcess()
        case .http: try callOverHTTP()
        }
    }

    private func callWithinProcess() throws {
        let loop = try EventLoop()
        let call = Call(loop: loop)
        call.start()
        let isOver = loop.run(until: { call.isOver }, atMost: .seconds(30))
        call.close()
        loop.close()
        if let reason = call.failure { throw CallFailed(reason: reason) }
        guard isOver else { throw CallFailed(reason: "no connection within 30 s") }
    }

    private func callOverHTTP() throws {
        let loop = try EventLoop()
        let agent = Agent(loop: loop, role: controlled ? .controlled : .controlling)
        let mailbox = try Mailbox<HTTPSignalling.Event>(on: loop)
        let peerURL = try peerURL()
        let signalling = HTTPSignalling(
            listening: try listeningAddress(), named: listen ?? "", peer: peerURL, patience: .seconds(wait),
            events: mailbox.sender)
        agent.onSignal = { signalling.tell($0) }
        agent.onStateChange = { [unowned agent] in
            // Not by what the options say: where both say the same, the clients have agreed.
            if agent.state == .completed, agent.role == .controlling { agent.beginPings() }
        }
        var isClosed = false
        mailbox.onMessage = { event in
            switch event {
            case .listening(let url):
                agent.say("listens at \(url)")
                if !agent.hasHeardOfPeer { agent.say("waits for the peer at \(peerURL)") }
            case .heard(let signal):
                agent.say("heard \(signal)")
                agent.hear(signal)
            case .failed(let reason): agent.fail(reason)
            case .closed: isClosed = true
            }
        }
        agent.start()
        let isOver = loop.run(until: { agent.isOver || agent.failure != nil }, atMost: .seconds(wait + 30))
        signalling.close()
        _ = loop.run(until: { isClosed || !agent.isOver }, atMost: .seconds(wait + 5))
        agent.close()
        mailbox.close()
        loop.close()
        if let reason = agent.failure { throw CallFailed(reason: reason) }
        guard isOver else {
            throw CallFailed(
                reason: agent.hasHeardOfPeer
                    ? "no connection within \(wait + 30) s"
                    : "the peer has said nothing: its --peer must be the URL that this process listens at")
        }
    }
}

/// Prints a line, at once: whoever reads it may be another program.
func show(_ line: String) {
    print(line.printable)
    fflush(nil)
}

struct CallFailed: Error, CustomStringConvertible {
    let reason: String
    var description: String { "the call failed: \(reason.printable)" }
}

extension String {
    /// Without control characters: what comes from the network must not steer the terminal.
    fileprivate var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.filter { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: false
                    default: true
                    }
                }))
    }
}

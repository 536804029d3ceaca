import ArgumentParser
import Foundation
import ICE

/// A TCP connection by way of a TURN server: standard input goes to the peer, and what it sends to standard output.
///
/// The peer is a plain TCP program, which knows nothing of TURN: a server that is connected to, or a client that is waited for.
@main
struct RelayStream: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-stream",
        abstract: "Carries standard input to a TCP peer through a TURN server, and its bytes to standard output.",
        discussion: """
            It ends when the peer does. The end of the input ends nothing, as TURN knows no connection that is open one way.
            """)

    @Option(help: "The server, such as turn:127.0.0.1:3478?transport=tcp or turns:turn.example.org?transport=tcp.")
    var url: String
    @Option(help: "The user name at the server.") var user: String
    @Option(help: "The password at the server.") var password: String
    @Option(help: "The TCP server to connect to, such as 127.0.0.1:8080.") var connect: String?
    @Option(help: "Wait for a connection from this IP address instead, and tell where to connect to.") var accept:
        String?
    @Flag(help: "Trust any certificate.") var insecure = false

    func run() throws {
        let wish = try wish()
        var configuration = try TURNClientConfiguration(url: url, username: user, password: password)
        guard configuration.transport == .tcp || configuration.transport == .tls else {
            throw ValidationError("A relay for TCP is reached over TCP or TLS: write \(overTCP).")
        }
        configuration.relayTransport = .tcp
        configuration.relayFamilies = [wish.family]
        if insecure { configuration.tls.trust = .unverified }

        let loop = try EventLoop()
        let client = try TURNClient(loop: loop, configuration: configuration)
        let session = try StreamSession(client: client, wish: wish, loop: loop)
        session.start()
        while session.end == nil { loop.run(.once) }
        client.close()
        loop.close()
        if case .failed(let reason)? = session.end {
            tell(reason)
            throw ExitCode.failure
        }
    }

    /// The URL as it would do.
    private var overTCP: String { "\(url.prefix { $0 != "?" })?transport=tcp" }

    private func wish() throws -> StreamSession.Wish {
        switch (connect, accept) {
        case (let text?, nil):
            guard let peer = TransportAddress(text) else {
                throw ValidationError("--connect takes an address and a port, such as 127.0.0.1:8080, not \(text).")
            }
            return .connect(peer)
        case (nil, let text?):
            guard let peer = IPAddress(text) else {
                throw ValidationError("--accept takes an IP address, not \(text).")
            }
            return .accept(peer)
        default:
            throw ValidationError("Say whom to --connect to, or whom to --accept.")
        }
    }
}

/// Standard output has the peer's bytes alone.
func tell(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }

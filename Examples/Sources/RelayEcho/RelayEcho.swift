import ArgumentParser
import ICE

/// A TURN client on its own: allocates, binds a channel to a peer, and gets an echo back through the server.
///
/// The peer is a UDP socket in the same process, which sends back what the relay brings it.
@main
struct RelayEcho: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-echo", abstract: "Sends datagrams to an echo through a TURN server and tells what happens.")

    @Option(help: "The server, such as turn:127.0.0.1:3478 or turns:turn.example.org?transport=tcp.") var url: String
    @Option(help: "The user name at the server.") var user: String
    @Option(help: "The password at the server.") var password: String
    @Option(help: "The address that the server reaches the echo at.") var echo = "127.0.0.1"
    @Option(help: "How many datagrams to send.") var count = 5
    @Flag(help: "Trust any certificate.") var insecure = false

    func run() throws {
        guard let echoAddress = IPAddress(echo) else {
            throw ValidationError("--echo takes an IP address, not \(echo).")
        }
        var configuration = try TURNClientConfiguration(url: url, username: user, password: password)
        configuration.relayFamilies = [echoAddress.family]
        if insecure { configuration.tls.trust = .unverified }

        let loop = try EventLoop()
        let peer = try UDPSocket(on: loop, boundTo: TransportAddress(echoAddress, port: 0))
        peer.onDatagram = { [unowned peer] bytes, source in try? peer.send(bytes, to: source) }
        let client = try TURNClient(loop: loop, configuration: configuration)
        let session = EchoSession(client: client, peer: peer.localAddress, loop: loop, count: count)
        session.start()
        let isOver = loop.run(until: { session.isOver }, atMost: .seconds(30))
        client.refresh(lifetime: .zero)
        _ = loop.run(until: { client.allocation == nil }, atMost: .seconds(2))
        client.close()
        peer.close()
        loop.close()
        if let failure = session.failure { throw RelayFailed(description: failure) }
        guard isOver else { throw RelayFailed(description: "no echo within 30 s: \(session.step)") }
    }
}

struct RelayFailed: Error, CustomStringConvertible {
    let description: String
}

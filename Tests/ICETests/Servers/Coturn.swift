import Foundation
import ICE

/// A coturn on a free port of 127.0.0.1, which answers over UDP and TCP; for discoveries of NAT behaviour on 127.0.0.2 and a second port
/// too.
final class Coturn {
    static var isInstalled: Bool { ServerProcess.isInstalled("turnserver") }

    let port: UInt16
    private let process: ServerProcess
    private let folder: URL

    private static let tries = 5

    /// Starts a coturn, and returns when it answers.
    static func start(on loop: EventLoop, discovery: Bool = false, arguments: [String] = []) throws -> Coturn {
        for _ in 0..<tries {
            let second =
                discovery
                ? ["--listening-ip=127.0.0.2", "--alt-listening-port=\(try freePort(on: loop))"] : ["--no-rfc5780"]
            let coturn = try Coturn(port: freePort(on: loop), arguments: second + arguments)
            // Somebody else may have taken the port in between: then this one does not answer, or is not the one that does.
            if try coturn.answers(.udp, on: loop), try coturn.answers(.tcp, on: loop), coturn.process.isRunning {
                return coturn
            }
            coturn.stop()
        }
        throw NotStarted()
    }

    private init(port: UInt16, arguments: [String]) throws {
        self.port = port
        folder = FileManager.default.temporaryDirectory.appending(path: "coturn-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let quiet = ["-n", "--no-cli", "--no-tls", "--no-dtls", "--log-file=stdout"]
        let local = ["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--no-multicast-peers"]
        let own = ["--listening-port=\(port)", "--pidfile=\(folder.path)/pid", "--userdb=\(folder.path)/users"]
        process = try ServerProcess("turnserver", quiet + local + own + arguments)
    }

    deinit { stop() }

    /// Ends the server, and returns when it has ended.
    func stop() {
        process.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// A port that nobody listens on just now.
    static func freePort(on loop: EventLoop) throws -> UInt16 {
        let probe = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
        defer { probe.close() }
        return probe.localAddress.port
    }

    /// A client of this server.
    func client(
        over transport: TransportProtocol, on loop: EventLoop, from localAddress: TransportAddress? = nil
    ) throws -> STUNClient {
        var configuration = STUNClientConfiguration(host: "127.0.0.1", port: port, transport: transport)
        configuration.localAddress = localAddress
        return try STUNClient(loop: loop, configuration: configuration)
    }

    /// Asks again and again, until there is an answer, or the server ends or takes too long to start.
    private func answers(_ transport: TransportProtocol, on loop: EventLoop) throws -> Bool {
        let client = try client(over: transport, on: loop)
        let retry = Timer(on: loop) { client.sendRequest() }
        defer {
            client.close()
            retry.close()
        }
        var hasAnswered = false
        client.onResponse = { _ in hasAnswered = true }
        client.onError = { [unowned retry] _ in retry.start(after: .milliseconds(10)) }
        client.sendRequest()
        _ = loop.run(until: { hasAnswered || !process.isRunning }, atMost: .seconds(10))
        return hasAnswered
    }

    struct NotStarted: Error {}
}

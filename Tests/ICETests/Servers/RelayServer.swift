import Foundation
import ICE

/// A coturn on 127.0.0.1 that relays, over UDP and TCP on one port, over TLS and DTLS on another.
final class RelayServer {
    static var isInstalled: Bool { ServerProcess.isInstalled("turnserver") }

    static let username = "alice"
    static let password = "a secret"

    let port: UInt16
    let securePort: UInt16
    let certificate: ServerCertificate
    private let process: ServerProcess
    private let folder: URL

    /// Whom it relays for.
    enum Credentials {
        /// ``username`` with ``password``, nonces that live so many seconds.
        case longTerm(staleNonce: Int? = nil)
        /// Whoever comes with credentials that were made from this secret.
        case secret(String)
    }

    private static let tries = 5

    /// Starts a server and returns when it answers; on the same ports as an earlier one, if that is given.
    static func start(
        on loop: EventLoop, credentials: Credentials = .longTerm(), certificate: ServerCertificate? = nil,
        inPlaceOf earlier: RelayServer? = nil, arguments: [String] = []
    ) throws -> RelayServer {
        let certificate = try certificate ?? ServerCertificate.here.get()
        for _ in 0..<tries {
            let ports = try earlier.map { [$0.port, $0.securePort] } ?? freePorts(2, on: loop)
            let server = try RelayServer(ports, credentials, certificate, arguments)
            // Somebody else may have taken a port in between: then it does not answer there.
            if try TransportProtocol.allCases.allSatisfy({ try server.answers($0, on: loop) }) { return server }
            server.stop()
        }
        throw NotStarted()
    }

    private init(
        _ ports: [UInt16], _ credentials: Credentials, _ certificate: ServerCertificate, _ arguments: [String]
    ) throws {
        (port, securePort) = (ports[0], ports[1])
        self.certificate = certificate
        folder = FileManager.default.temporaryDirectory.appending(path: "relay-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.path
        try Data(certificate.certificate).write(to: folder.appending(path: "certificate.pem"))
        try Data(certificate.key).write(to: folder.appending(path: "key.pem"))
        let quiet = ["-n", "--no-cli", "--no-rfc5780", "--log-file=stdout"]
        let local = ["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers"]
        let own = ["--listening-port=\(port)", "--tls-listening-port=\(securePort)"]
        let files = [
            "--pidfile=\(path)/pid", "--userdb=\(path)/users", "--cert=\(path)/certificate.pem",
            "--pkey=\(path)/key.pem",
        ]
        var users = ["--realm=example.org"]
        switch credentials {
        case .longTerm(let staleNonce):
            users += ["--lt-cred-mech", "--user=\(Self.username):\(Self.password)"]
            if let staleNonce { users.append("--stale-nonce=\(staleNonce)") }
        case .secret(let secret):
            users += ["--use-auth-secret", "--static-auth-secret=\(secret)"]
        }
        process = try ServerProcess("turnserver", quiet + local + own + files + users + arguments)
    }

    deinit { stop() }

    /// Ends the server, and returns when it has ended.
    func stop() {
        process.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// How a client reaches it.
    func configuration(
        over transport: TransportProtocol, username: String = username, password: String = password
    ) -> TURNClientConfiguration {
        let isSecure = transport == .tls || transport == .dtls
        var configuration = TURNClientConfiguration(
            host: "127.0.0.1", port: isSecure ? securePort : port, transport: transport, username: username,
            password: password)
        configuration.tls.trust = .authorities(pem: certificate.certificate)
        return configuration
    }

    /// Asks for its address again and again, until there is an answer, or the server ends or takes too long to start.
    private func answers(_ transport: TransportProtocol, on loop: EventLoop) throws -> Bool {
        let isSecure = transport == .tls || transport == .dtls
        var configuration = STUNClientConfiguration(
            host: "127.0.0.1", port: isSecure ? securePort : port, transport: transport)
        configuration.tls.trust = .unverified
        let client = try STUNClient(loop: loop, configuration: configuration)
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

    private static func freePorts(_ count: Int, on loop: EventLoop) throws -> [UInt16] {
        let probes = try (0..<count).map { _ in
            try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
        }
        defer { for probe in probes { probe.close() } }
        return probes.map(\.localAddress.port)
    }

    struct NotStarted: Error {}
}

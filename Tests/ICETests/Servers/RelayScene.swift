import ICE
import ICETesting
import Testing

/// A TURN server on the simulated Internet that is reached over all four transports, and two hosts that also reach each other.
final class RelayScene {
    let network = SimulatedNetwork(seed: 11)
    let turnHost: SimulatedHost
    let server: SimulatedTURNServer
    let front: SecureFront
    let a: SimulatedHost
    let b: SimulatedHost

    static let delay = Duration.milliseconds(10)

    init() throws {
        turnHost = network.makeHost("turn", addresses: ["192.0.2.1"])
        server = try SimulatedTURNServer(on: turnHost, users: ["user": "secret"])
        front = try SecureFront(on: turnHost, of: "192.0.2.1:3478", ServerCertificate.here.get())
        a = network.makeHost("a", addresses: ["203.0.113.1"])
        b = network.makeHost("b", addresses: ["203.0.113.2"])
        for host in [turnHost, a, b] { host.link.setConditions(LinkConditions(delay: Self.delay)) }
        network.names["turn.example"] = ["192.0.2.1"]
        network.isTracing = true
    }

    /// Whether neither clients nor peers hear anything from the server.
    var isSilent = false {
        didSet { (server.isSilent, front.isSilent) = (isSilent, isSilent) }
    }

    static func url(_ transport: TransportProtocol, host: String = "192.0.2.1", port: UInt16? = nil) -> String {
        let scheme = transport == .tls || transport == .dtls ? "turns" : "turn"
        let port = port.map { ":\($0)" } ?? ""
        return "\(scheme):\(host)\(port)?transport=\(transport.isReliable ? "tcp" : "udp")"
    }

    static func urls(_ url: String, password: String = "secret") throws -> ICEServer {
        var tls = TLSOptions()
        tls.trust = .authorities(pem: try ServerCertificate.here.get().certificate)
        return try ICEServer(urls: [url], username: "user", credential: password, tls: tls)
    }

    /// A client on the first host.
    func turnClient(_ transport: TransportProtocol, host: String = "192.0.2.1", password: String = "secret") throws
        -> TURNClient
    {
        let isSecure = transport == .tls || transport == .dtls
        var configuration = TURNClientConfiguration(
            host: host, port: isSecure ? 5349 : 3478, transport: transport, username: "user", password: password)
        configuration.tls.trust = .authorities(pem: try ServerCertificate.here.get().certificate)
        return try TURNClient(on: a, configuration: configuration)
    }

    /// What a host has sent to the server's host since a time.
    func packets(from place: String = "a", since start: Instant = Instant(nanoseconds: 0)) -> [PacketRecord] {
        network.trace.filter {
            $0.place == place && $0.event == .sent && $0.destination.ip == "192.0.2.1" && $0.instant >= start
        }
    }
}

import ICETesting
import NetBase

/// A UDP socket that remembers what happens to it.
final class Probe {
    let socket: SimulatedSocket
    private(set) var received: [(bytes: [UInt8], source: TransportAddress)] = []
    private(set) var unreachable: [(destination: TransportAddress, code: NetworkError.Code)] = []

    init(_ host: SimulatedHost, _ address: TransportAddress) throws {
        socket = try host.bind(address)
        socket.onDatagram = { [weak self] bytes, source in self?.received.append(([UInt8](copying: bytes), source)) }
        socket.onUnreachable = { [weak self] in self?.unreachable.append(($0, $1.code)) }
    }

    var address: TransportAddress { socket.localAddress }
    var sources: [TransportAddress] { received.map(\.source) }
    var payloads: [[UInt8]] { received.map(\.bytes) }

    func send(_ bytes: [UInt8] = [0xaa], to destination: TransportAddress) throws(NetworkError) {
        try socket.send(bytes.span, to: destination)
    }
}

/// One inner host behind a NAT and two servers on the Internet, the first with two sockets.
struct NATScene {
    let network = SimulatedNetwork(seed: 4787)
    let nat: SimulatedNAT
    let inner: Probe
    let server: Probe
    let otherPort: Probe
    let otherAddress: Probe

    init(_ behavior: NATBehavior, external: [IPAddress] = ["203.0.113.1"]) throws {
        nat = network.makeNAT("nat", external: external, behavior: behavior)
        let host = network.makeHost("inner", addresses: ["192.168.0.2"], behind: nat)
        let first = network.makeHost("first", addresses: ["192.0.2.1"])
        let second = network.makeHost("second", addresses: ["192.0.2.2"])
        inner = try Probe(host, "192.168.0.2:5000")
        server = try Probe(first, "192.0.2.1:1000")
        otherPort = try Probe(first, "192.0.2.1:1001")
        otherAddress = try Probe(second, "192.0.2.2:1000")
    }

    var outer: [Probe] { [server, otherPort, otherAddress] }

    func settle() { network.run(for: .milliseconds(1)) }

    /// Sends something out to the server and returns the external endpoint that the server sees.
    func openMapping() throws -> TransportAddress? {
        try inner.send(to: server.address)
        settle()
        return server.sources.last
    }
}

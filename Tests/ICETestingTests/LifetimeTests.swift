import ICETesting
import NetBase
import Testing

@Suite("Everything simulated is freed")
struct LifetimeTests {
    @Test("Everything goes with its network, in the middle of traffic and with cycles in closures")
    func networkGoes() throws {
        weak var weakNetwork: SimulatedNetwork?
        weak var weakHost: SimulatedHost?
        weak var weakNAT: SimulatedNAT?
        weak var weakSocket: SimulatedSocket?
        weak var weakStream: SimulatedStream?
        weak var weakServer: SimulatedSTUNServer?
        do {
            let network = SimulatedNetwork(seed: 1)
            let nat = network.makeNAT("nat", external: ["203.0.113.1"])
            let host = network.makeHost("inner", addresses: ["10.0.0.2"], behind: nat)
            let server = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.1"]))
            let socket = try host.bind("10.0.0.2:5000")
            socket.onDatagram = { _, _ in _ = (socket, host, network) }
            let stream = try host.connect(to: "192.0.2.1:3478")
            stream.onClose = { _ in _ = (stream, host) }
            host.enqueue { _ = (host, socket) }
            network.interceptor = { _ in
                _ = (host, socket)
                return .pass
            }
            try socket.send([1].span, to: "192.0.2.1:3478")
            network.run(for: .zero)
            try socket.send([1].span, to: "192.0.2.1:3478")
            socket.onDatagram = { _, _ in _ = (socket, host) }
            (weakNetwork, weakHost, weakNAT) = (network, host, nat)
            (weakSocket, weakStream, weakServer) = (socket, stream, server)
        }
        #expect(weakNetwork == nil)
        #expect(weakHost == nil)
        #expect(weakNAT == nil)
        #expect(weakSocket == nil)
        #expect(weakStream == nil)
        #expect(weakServer == nil)
    }

    @Test("A socket that was closed is let go at once, and so is what its closures held")
    func socketCloses() throws {
        let network = SimulatedNetwork(seed: 1)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        weak var weakSocket: SimulatedSocket?
        do {
            let socket = try host.bind("192.0.2.1:0")
            socket.onDatagram = { _, _ in _ = socket }
            weakSocket = socket
            socket.close()
        }
        #expect(weakSocket == nil)
    }

    @Test("A socket lives on without an owner until it is closed, as a descriptor does")
    func socketStays() throws {
        let network = SimulatedNetwork(seed: 1)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        var count = 0
        try host.bind("192.0.2.1:5000").onDatagram = { _, _ in count += 1 }
        try Probe(host, "192.0.2.1:0").send(to: "192.0.2.1:5000")
        network.run(for: .milliseconds(1))
        #expect(count == 1)
    }

    @Test("A stream that ended is let go by its host")
    func streamEnds() throws {
        let network = SimulatedNetwork(seed: 1)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        weak var weakStream: SimulatedStream?
        do {
            let stream = try host.connect(to: "192.0.2.1:80")
            stream.onClose = { _ in _ = stream }
            weakStream = stream
        }
        #expect(weakStream != nil)
        network.run(for: .milliseconds(1))
        #expect(weakStream == nil)
    }

    @Test("A host that outlives its network does nothing, and traps nowhere")
    func hostStays() throws {
        var network: SimulatedNetwork? = SimulatedNetwork(seed: 1)
        let host = try #require(network).makeHost("a", addresses: ["192.0.2.1"])
        let socket = try host.bind("192.0.2.1:0")
        network = nil
        #expect(throws: NetworkError.self) { try socket.send([1].span, to: "192.0.2.2:1") }
        #expect(throws: NetworkError.self) { try host.bind("192.0.2.1:0") }
        host.enqueue {}
    }
}

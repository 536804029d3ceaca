import ICETesting
import NetBase
import Testing

@Suite("Simulated interfaces may be watched")
struct InterfaceWatchTests {
    let network = SimulatedNetwork(seed: 1)
    let host: SimulatedHost

    init() { host = network.makeHost("a", addresses: ["192.0.2.1"]) }

    private func settle() { network.run(for: .milliseconds(1)) }

    @Test("What changes in one turn is told once, on a later one")
    func told() {
        var seen: [[IPAddress]] = []
        let watch = host.watchInterfaces {
            seen.append(host.interfaceAddresses().map(\.ip).filter { !$0.isLoopback })
        }
        host.interface.addAddress("192.0.2.2")
        host.interface.removeAddress("192.0.2.1")
        #expect(seen.isEmpty)
        settle()
        #expect(seen == [["192.0.2.2"]])
        host.interface.isUp = false
        settle()
        host.interface.isUp = false
        settle()
        host.interface.isUp = true
        settle()
        let wlan = host.addInterface("wlan0", addresses: ["192.0.2.3"])
        settle()
        wlan.setDeprecated(true, "192.0.2.3")
        settle()
        #expect(seen.map(\.count) == [1, 0, 1, 2, 2])
        watch.cancel()
        wlan.removeAddress("192.0.2.3")
        settle()
        #expect(seen.count == 5)
    }

    @Test("A watch that nobody holds ends")
    func letGo() {
        var count = 0
        _ = host.watchInterfaces { count += 1 }
        host.interface.addAddress("192.0.2.2")
        settle()
        #expect(count == 0)
    }

    @Test("A socket whose address is taken away can't send, and receives nothing")
    func removedAddress() throws {
        let peer = network.makeHost("b", addresses: ["192.0.2.9"])
        let socket = try host.bind("192.0.2.1:5000")
        let other = try peer.bind("192.0.2.9:5000")
        var received = 0
        socket.onDatagram = { _, _ in received += 1 }
        try other.send([1], to: socket.localAddress)
        settle()
        #expect(received == 1)
        host.interface.removeAddress("192.0.2.1")
        let code: NetworkError.Code?
        do throws(NetworkError) {
            try socket.send([1], to: other.localAddress)
            code = nil
        } catch {
            code = error.code
        }
        #expect(code == .addressNotAvailable)
        try other.send([2], to: socket.localAddress)
        settle()
        #expect(received == 1)
    }
}

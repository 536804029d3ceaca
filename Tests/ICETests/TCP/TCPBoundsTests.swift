import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Strangers on the port of a TCP candidate")
struct TCPBoundsTests {
    private let scene = TCPScene()

    /// Lets the crowd's connections come about.
    private func settle() { scene.network.run(for: .milliseconds(10)) }

    @Test("A connection that no check identifies is reset after ten seconds, whatever has come over it")
    func unidentified() throws {
        let passive = try scene.base(on: scene.b, .passive)
        let silent = try scene.intrude(on: passive)
        let talking = try scene.intrude(on: passive)
        for second in 0..<9 {
            scene.network.schedule(after: .seconds(second)) { talking.write(framed(check)) }
        }
        scene.network.run(for: .milliseconds(9_900))
        #expect([silent.ending, talking.ending] == [nil, nil])
        scene.network.run(for: .milliseconds(200))
        #expect([silent.ending, talking.ending] == [.connectionReset, .connectionReset])
        #expect(passive.datagrams.count == 9)
        // The owner has heard of one of them only.
        #expect(passive.endings.map(\.code) == [.timedOut])
        #expect(scene.b.connections.isEmpty)
    }

    @Test("One that a check has identified stays, and takes long datagrams from then on")
    func identified() throws {
        let (active, passive) = try scene.connected()
        scene.network.run(for: .seconds(600))
        try active.send([UInt8](repeating: 1, count: 60_000), to: passive.address)
        scene.network.run(for: .seconds(1))
        #expect(passive.datagrams.map(\.count) == [60_000])
        passive.socket.release(passive.sources[0], as: .checkedPeer)
        scene.network.run(for: .seconds(600))
        #expect(passive.endings.isEmpty && active.endings.isEmpty)
    }

    @Test("What begins with something else than STUN, or with too long a frame, is closed at once")
    func noSTUN() throws {
        let passive = try scene.base(on: scene.b, .passive)
        let web = try scene.intrude(on: passive)
        web.write(Array("GET / HTTP/1.1\r\nHost: 192.0.2.2\r\n\r\n".utf8))
        let data = try scene.intrude(on: passive)
        data.write(framed([1, 2, 3]))
        let long = try scene.intrude(on: passive)
        long.write(framed([UInt8](repeating: 0, count: 1501)))
        let later = try scene.intrude(on: passive)
        later.write(framed(check) + [0x05, 0xdd])
        let longest = try scene.intrude(on: passive)
        longest.write(framed(check) + framed([UInt8](repeating: 0, count: 1500)))
        scene.network.run(for: .seconds(1))
        #expect([web, data, long, later].map(\.ending) == Array(repeating: .connectionReset, count: 4))
        #expect(longest.ending == nil)
        // Nothing but STUN is handed on before an authentic check.
        #expect(passive.datagrams.map(\.count) == [20, 20])
        #expect(passive.endings.map(\.code) == [.messageTooLarge])
    }

    @Test("E4.2: an active base that is answered with something else than STUN closes the connection and tells")
    func answeredByOthers() throws {
        let active = try scene.base(on: scene.a, .active)
        try scene.b.listen(on: "192.0.2.2:22") { try? $0.write(framed(Array("SSH-2.0".utf8))) }
        try active.send(check, to: "192.0.2.2:22")
        scene.network.run(for: .seconds(1))
        #expect(active.endings.map(\.code) == [.other])
        #expect(active.datagrams.isEmpty)
        #expect(scene.a.connections.isEmpty)
    }

    @Test("The oldest stranger goes for one too many, and of those from one address the oldest from there")
    func countBounds() throws {
        var limits = TCPLimits()
        limits.unidentifiedCount = 5
        limits.unidentifiedCountPerIP = 3
        let passive = try scene.base(on: scene.b, .passive, limits: limits)
        var intruders: [Intruder] = []
        for index in [0, 1, 1, 1] {
            intruders.append(try scene.intrude(on: passive, from: index))
            settle()
        }
        func endings() -> [Bool] { intruders.map { $0.ending != nil } }
        #expect(endings() == [false, false, false, false])
        intruders.append(try scene.intrude(on: passive, from: 1))
        settle()
        #expect(endings() == [false, true, false, false, false])
        intruders.append(try scene.intrude(on: passive, from: 2))
        settle()
        #expect(endings() == [false, true, false, false, false, false])
        intruders.append(try scene.intrude(on: passive, from: 3))
        settle()
        #expect(endings() == [true, true, false, false, false, false, false])
        #expect(passive.socket.connections.count == 5)
    }

    @Test("Connections that were identified or opened are bounded as well")
    func identifiedBound() throws {
        var limits = TCPLimits()
        limits.identifiedCount = 2
        let passive = try scene.base(on: scene.b, .simultaneousOpen, limits: limits)
        var claims: [Bool] = []
        passive.onDatagram = { [weak passive] source in
            guard let passive else { return }
            claims.append(passive.socket.claim(source, as: .checkedPeer))
        }
        let intruders = try (0..<3).map { _ in try scene.intrude(on: passive) }
        for intruder in intruders {
            intruder.write(framed(check))
            settle()
        }
        #expect(claims == [true, true, false])
        let error = #expect(throws: NetworkError.self) { try passive.send(check, to: "192.0.2.1:5000") }
        #expect(error?.code == .outOfResources)
        scene.network.run(for: .seconds(11))
        #expect(intruders.map { $0.ending != nil } == [false, false, true])
    }

    @Test("1,000 unidentified connections and frames without end leave nothing behind and a call undisturbed")
    func flood() throws {
        let (active, passive) = try scene.connected()
        var intruders: [Intruder] = []
        var most = 0
        for number in 0..<1000 {
            scene.network.schedule(after: .milliseconds(20) * number) { [scene] in
                guard let intruder = try? scene.intrude(on: passive, from: number % 40) else { return }
                intruders.append(intruder)
                // Every second one announces a frame, and sends a byte of it now and then.
                guard number % 2 == 0 else { return }
                intruder.write([0x05, 0xdc])
                for second in 1..<20 { scene.network.schedule(after: .seconds(second)) { intruder.write([0]) } }
            }
            scene.network.schedule(after: .milliseconds(20) * number + .milliseconds(10)) { [scene] in
                try? active.send([UInt8(truncatingIfNeeded: number)], to: passive.address)
                most = max(most, scene.b.connections.count)
            }
        }
        scene.network.run(for: .seconds(21))
        #expect(intruders.count == 1000)
        #expect(passive.datagrams == (0..<1000).map { [UInt8(truncatingIfNeeded: $0)] })
        #expect(most == 65)
        scene.network.run(for: .seconds(20))
        #expect(intruders.allSatisfy { $0.ending == .connectionReset })
        #expect(scene.b.connections.count == 1)
        #expect(passive.socket.connections.count == 1)
        #expect(passive.endings.isEmpty && active.endings.isEmpty)
    }
}

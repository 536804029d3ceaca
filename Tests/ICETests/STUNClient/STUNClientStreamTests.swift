import ICE
import NetBase
import STUN
import Testing

@Suite("STUNClient over TCP")
struct STUNClientStreamTests {
    private func fixture(
        segment: Int = 1000, _ configure: (inout STUNClientConfiguration) -> Void = { _ in }
    ) throws -> STUNClientFixture {
        let fixture = try STUNClientFixture(transport: .tcp, configure)
        fixture.platform.listeners = [serverAddress]
        let server = STUNServerCore()
        fixture.platform.onWrite = { bytes, stream in
            guard let response = server.respond(to: bytes.span, from: publicAddress) else { return }
            stream.deliver(response.bytes, segment: segment, after: .milliseconds(20))
        }
        return fixture
    }

    @Test("Requests share one connection, and answers may come in segments", arguments: [1, 7, 1000])
    func responses(segment: Int) throws {
        let fixture = try fixture(segment: segment)
        for _ in 0..<3 { fixture.client.sendRequest() }
        fixture.platform.run()
        #expect(fixture.events == Array(repeating: .response(publicAddress, .milliseconds(20)), count: 3))
        #expect(fixture.eventTimes == [30, 30, 30])
        #expect(fixture.platform.streams.count == 1)
    }

    @Test("Nothing is repeated, and after 39.5 s the connection is made anew")
    func timeout() throws {
        let fixture = try fixture()
        var writes = 0
        fixture.platform.onWrite = { _, _ in writes += 1 }
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(writes == 1)
        #expect(fixture.events == [.timeout(id)])
        #expect(fixture.eventTimes == [39510])
        #expect(fixture.platform.streams.map(\.isClosed) == [true])
        fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(1))
        #expect(fixture.platform.streams.count == 2 && writes == 2)
    }

    @Test("A refused connection fails the requests; a second address is tried first")
    func refused() throws {
        let other = IPAddress(v4: 0xc000_0299)
        let fixture = try STUNClientFixture(host: "stun.example", transport: .tcp)
        fixture.platform.names = ["stun.example": [other, serverAddress.ip]]
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.error(.connectionFailed, id)])
        #expect(fixture.platform.streams.map(\.remoteAddress.ip) == [other, serverAddress.ip])
        fixture.platform.listeners = [serverAddress]
        fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(1))
        #expect(fixture.sent.count == 1)
        #expect(fixture.platform.streams.map(\.isClosed) == [true, true, true, false])
    }

    @Test("A6.4: a broken connection fails everything in flight, at once")
    func broken() throws {
        let fixture = try fixture()
        fixture.platform.onWrite = { [unowned fixture] _, stream in
            fixture.platform.schedule(after: .milliseconds(5)) {
                stream.onClose?(NetworkError(.connectionReset, name: "ECONNRESET", operation: "read"))
            }
        }
        let ids = [fixture.client.sendRequest(), fixture.client.sendRequest()]
        fixture.platform.run()
        #expect(fixture.events == ids.map { .error(.connectionFailed, $0) })
        #expect(fixture.platform.streams.map(\.isClosed) == [true])
    }

    @Test("A server that speaks another protocol fails everything in flight")
    func otherProtocol() throws {
        let fixture = try fixture()
        fixture.platform.onWrite = { _, stream in
            stream.deliver(Array("HTTP/1.1 400 Bad Request\r\n".utf8), after: .milliseconds(5))
        }
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.error(.notSTUN, id)])
        #expect(fixture.platform.streams.map(\.isClosed) == [true])
    }

    @Test("An unsigned answer ends the request at once with an integrity violation")
    func integrityViolation() throws {
        let fixture = try fixture { $0.authentication = .shortTerm(username: "user", password: "secret") }
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events.isEmpty == false)
        #expect(fixture.events.last == .error(.integrityViolation, id))
        #expect(fixture.eventTimes == [30])
    }

    @Test("Closing inside of an event stops the answers that came with it")
    func closingInEvent() throws {
        let fixture = try fixture()
        var pending: [UInt8] = []
        let server = STUNServerCore()
        fixture.platform.onWrite = { bytes, stream in
            pending += server.respond(to: bytes.span, from: publicAddress)?.bytes ?? []
            if pending.count > 60 { stream.deliver(pending, after: .milliseconds(5)) }
        }
        fixture.onEvent = { $0.close() }
        fixture.client.sendRequest()
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events.count == 1)
    }
}

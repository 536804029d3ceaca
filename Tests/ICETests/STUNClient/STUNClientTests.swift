import ICE
import NetBase
import STUN
import Testing

@Suite("STUNClient over UDP")
struct STUNClientTests {
    @Test("A request is answered with the reflexive address and the round-trip time")
    func response() throws {
        let fixture = try STUNClientFixture { $0.software = "test 1" }
        fixture.serve()
        let id = fixture.client.sendRequest()
        #expect(fixture.sent.isEmpty)
        fixture.platform.run()
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
        let request = try #require(fixture.sent.first)
        #expect(fixture.sent.count == 1)
        #expect(request.transactionID == id && request.method == .binding && request.messageClass == .request)
        #expect(request[STUNMessage.Software.self]?.value == "test 1")
        #expect(request.fingerprint == .valid)
        #expect(fixture.platform.lookUps == 0)
    }

    @Test("Without an answer, requests go out at the RFC's times and the timeout comes at 39500 ms")
    func timeout() throws {
        let fixture = try STUNClientFixture()
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.sentTimes == [0, 500, 1500, 3500, 7500, 15500, 31500])
        #expect(Set(fixture.sent).count == 1)
        #expect(fixture.events == [.timeout(id)])
        #expect(fixture.eventTimes == [39500])
    }

    @Test("The schedule can be changed")
    func schedule() throws {
        let fixture = try STUNClientFixture {
            $0.retransmission = RetransmissionSchedule(
                retransmissionTimeout: .milliseconds(100), requestLimit: 3, finalWaitFactor: 2)
        }
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.sentTimes == [0, 100, 300])
        #expect(fixture.eventTimes == [500])
    }

    @Test("Ten requests are in flight at most; the rest follows")
    func limit() throws {
        let fixture = try STUNClientFixture()
        fixture.serve()
        let ids = (0..<25).map { _ in fixture.client.sendRequest() }
        fixture.platform.run(for: .milliseconds(10))
        #expect(fixture.sent.map(\.transactionID) == Array(ids.prefix(10)))
        fixture.platform.run()
        #expect(fixture.sent.map(\.transactionID) == ids)
        #expect(fixture.sentTimes.last == 40)
        #expect(fixture.events.count == 25)
    }

    @Test("onBeforeSend adds attributes, which integrity and fingerprint then cover")
    func beforeSend() throws {
        let key = IntegrityKey(shortTermPassword: "secret")
        let fixture = try STUNClientFixture {
            $0.authentication = .shortTerm(username: "user", password: "secret")
        }
        fixture.client.onBeforeSend = { $0.append(STUNMessage.ResponsePort(99)) }
        fixture.answer { request in
            var response = STUNMessage.bindingResponse(to: request, from: publicAddress)
            response.appendIntegrity(key)
            return response
        }
        fixture.client.sendRequest()
        fixture.platform.run()
        let request = try #require(fixture.sent.first)
        #expect(request[STUNMessage.ResponsePort.self]?.value == 99)
        #expect(request[STUNMessage.Username.self]?.value == "user")
        #expect(request.verifyIntegrity(key) == .valid(.sha1))
        #expect(request.fingerprint == .valid)
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
    }

    @Test("With a password, unsigned answers end in an integrity violation after the whole schedule")
    func integrityViolation() throws {
        let fixture = try STUNClientFixture {
            $0.authentication = .shortTerm(username: "user", password: "secret", algorithm: .sha256)
        }
        fixture.serve()
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.sent.count == 7)
        #expect(fixture.events == [.error(.integrityViolation, id)])
        #expect(fixture.eventTimes == [39500])
    }

    @Test("Error responses bring their code and reason")
    func responseError() throws {
        let fixture = try STUNClientFixture()
        fixture.answer { .errorResponse(to: $0, .serverError) }
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.responseError(500, "Server Error")])
    }

    @Test("Broken answers are errors of their request: no address, no code, unknown attributes")
    func brokenAnswers() throws {
        let fixture = try STUNClientFixture()
        var answers = [
            STUNMessage(.success, .binding, transactionID: STUNTransactionID()),
            STUNMessage(.failure, .binding, transactionID: STUNTransactionID()),
            STUNMessage(.success, .binding, transactionID: STUNTransactionID()),
        ]
        answers[2].append(type: 0x7f00, value: [])
        fixture.answer { request in
            let template = answers.removeFirst()
            var response = STUNMessage(template.messageClass, .binding, transactionID: request.transactionID)
            for attribute in template.attributes { response.append(type: attribute.type, value: []) }
            return response
        }
        let ids = (0..<3).map { _ in fixture.client.sendRequest() }
        fixture.platform.run()
        #expect(
            fixture.events == [
                .error(.malformedResponse, ids[0]), .error(.malformedResponse, ids[1]),
                .error(.unknownAttributes, ids[2]),
            ])
    }

    @Test("An old server's MAPPED-ADDRESS will do")
    func mappedAddress() throws {
        let fixture = try STUNClientFixture()
        fixture.answer { request in
            var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.MappedAddress(publicAddress))
            return response
        }
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
    }

    @Test("What answers no request, or comes from elsewhere, is an unknown message and changes nothing")
    func unknown() throws {
        let fixture = try STUNClientFixture()
        fixture.platform.onSend = { _, _, socket in
            socket.deliver([1, 2, 3], from: serverAddress, after: .milliseconds(1))
            socket.deliver([4], from: publicAddress, after: .milliseconds(2))
        }
        fixture.client.sendRequest()
        fixture.platform.run(for: .milliseconds(100))
        #expect(fixture.events == [.unknown([1, 2, 3]), .unknown([4])])
        fixture.platform.run()
        #expect(fixture.eventTimes.last == 39500)
    }

    @Test("A right answer from another address than the server's is not taken")
    func otherSource() throws {
        let fixture = try STUNClientFixture { $0.retransmission.requestLimit = 1 }
        fixture.answer(from: TransportAddress(serverAddress.ip, port: 3479)) {
            .bindingResponse(to: $0, from: publicAddress)
        }
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events.last == .timeout(id))
        #expect(fixture.events.count == 2)
    }

    @Test("A6.3: a hard ICMP error fails everything at once, and the next request goes out again")
    func unreachable() throws {
        let fixture = try STUNClientFixture()
        let refused = NetworkError(.connectionRefused, name: "ECONNREFUSED", operation: "send")
        fixture.platform.onSend = { [unowned fixture] _, destination, socket in
            fixture.platform.schedule(after: .milliseconds(3)) { socket.onUnreachable?(destination, refused) }
        }
        let ids = [fixture.client.sendRequest(), fixture.client.sendRequest()]
        fixture.platform.run()
        #expect(fixture.events == ids.map { .error(.unreachable, $0) })
        #expect(fixture.eventTimes == [3, 3])
        fixture.serve()
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events.last == .response(publicAddress, .milliseconds(20)))
        #expect(fixture.platform.sockets.count == 1)
    }

    @Test("A full buffer is a loss that repetition mends; another fault of sending is an error")
    func sendErrors() throws {
        let fixture = try STUNClientFixture()
        fixture.serve()
        fixture.client.sendRequest()
        fixture.platform.run()
        let socket = try #require(fixture.platform.sockets.first)
        socket.sendError = NetworkError(.wouldBlock, name: "EAGAIN", operation: "send")
        fixture.client.sendRequest()
        fixture.platform.run(for: .milliseconds(100))
        socket.sendError = nil
        fixture.platform.run()
        #expect(fixture.events.last == .response(publicAddress, nil))
        socket.sendError = NetworkError(.notPermitted, name: "EPERM", operation: "send")
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events.last == .error(.sendFailed, id))
    }

    @Test("A socket that cannot be opened is an error of the request")
    func bindError() throws {
        let fixture = try STUNClientFixture()
        fixture.platform.bindError = NetworkError(.addressInUse, name: "EADDRINUSE", operation: "bind")
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.error(.connectionFailed, id)])
    }
}

@Suite("STUNClient: names, life and re-entry")
struct STUNClientLifeTests {
    private let v4 = IPAddress(v4: 0xc000_0201)
    private let v6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)

    @Test(
        "A6.8: a name is looked up once; the preferred family comes first", arguments: [nil, IPAddress.Family.v4, .v6])
    func names(family: IPAddress.Family?) throws {
        let fixture = try STUNClientFixture(host: "stun.example") { $0.preferredFamily = family }
        fixture.platform.names = ["stun.example": [v6, v4]]
        var destinations: [TransportAddress] = []
        fixture.platform.onSend = { _, destination, _ in destinations.append(destination) }
        fixture.client.sendRequest()
        fixture.client.sendRequest()
        fixture.platform.run(for: .milliseconds(100))
        let expected = TransportAddress(family == .v4 ? v4 : v6, port: 3478)
        #expect(destinations == [expected, expected])
        #expect(fixture.platform.lookUps == 1)
    }

    @Test("An unknown name, or one without addresses, fails the requests; the next one looks it up again")
    func unknownName() throws {
        let fixture = try STUNClientFixture(host: "stun.example")
        let first = fixture.client.sendRequest()
        fixture.platform.run()
        fixture.platform.names = ["stun.example": .some([])]
        let second = fixture.client.sendRequest()
        fixture.platform.run()
        fixture.platform.names = ["stun.example": [v4]]
        fixture.serve()
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(
            fixture.events == [
                .error(.nameResolutionFailed, first), .error(.nameResolutionFailed, second),
                .response(publicAddress, .milliseconds(20)),
            ])
    }

    @Test("A resolver that never answers is given up after 39.5 s")
    func silentResolver() throws {
        let fixture = try STUNClientFixture(host: "stun.example")
        fixture.platform.names = ["stun.example": .none]
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.error(.connectionFailed, id)])
        #expect(fixture.eventTimes == [39500])
    }

    @Test("An empty host and authorities that are no PEM are refused when the client is made")
    func refusals() {
        func code(_ configuration: STUNClientConfiguration) -> STUNClientError.Code? {
            do throws(STUNClientError) {
                _ = try STUNClient(platform: FakePlatform(), configuration: configuration)
                return nil
            } catch {
                return error.code
            }
        }
        var secure = STUNClientConfiguration(host: "a", transport: .tls)
        secure.tls.trust = .authorities(pem: Array("nonsense".utf8))
        #expect(code(secure) == .invalidConfiguration)
        #expect(code(STUNClientConfiguration(host: "a", transport: .dtls)) == nil)
        #expect(code(STUNClientConfiguration(host: "")) == .invalidConfiguration)
        #expect(code(STUNClientConfiguration(host: "a")) == nil)
    }

    @Test("After close no event fires, whatever was under way, and the socket is closed")
    func closing() throws {
        let fixture = try STUNClientFixture()
        fixture.serve()
        fixture.client.sendRequest()
        fixture.platform.run(for: .milliseconds(10))
        fixture.client.close()
        fixture.client.close()
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [])
        #expect(fixture.sent.count == 1)
        #expect(fixture.platform.sockets.map(\.isClosed) == [true])
    }

    @Test("Closing before anything was sent sends nothing", arguments: ["192.0.2.1", "stun.example"])
    func closingEarly(host: String) throws {
        let fixture = try STUNClientFixture(host: host)
        fixture.platform.names = ["stun.example": [v4]]
        fixture.client.sendRequest()
        if host == "stun.example" { fixture.platform.run(for: .milliseconds(1)) }
        fixture.client.close()
        fixture.platform.run()
        #expect(fixture.events == [] && fixture.sent == [] && fixture.platform.sockets.isEmpty)
    }

    @Test("Clearing forgets what is asked, waiting and in flight, and later requests work")
    func clearing() throws {
        let fixture = try STUNClientFixture()
        for _ in 0..<12 { fixture.client.sendRequest() }
        fixture.platform.run(for: .milliseconds(100))
        fixture.client.sendRequest()
        fixture.client.clear()
        fixture.platform.run()
        #expect(fixture.events == [])
        #expect(fixture.sent.count == 10)
        fixture.serve()
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
    }

    @Test("An event may close, clear or send again", arguments: ["close", "clear", "send"])
    func reentry(action: String) throws {
        let fixture = try STUNClientFixture()
        let refused = NetworkError(.connectionRefused, name: "ECONNREFUSED", operation: "send")
        fixture.platform.onSend = { [unowned fixture] _, destination, socket in
            fixture.platform.schedule(after: .milliseconds(3)) { socket.onUnreachable?(destination, refused) }
        }
        var isFirst = true
        fixture.onEvent = { client in
            guard isFirst else { return }
            isFirst = false
            switch action {
            case "close": client.close()
            case "clear": client.clear()
            default: client.sendRequest()
            }
        }
        for _ in 0..<3 { fixture.client.sendRequest() }
        fixture.platform.run()
        #expect(fixture.events.count == (action == "send" ? 4 : 1))
    }

    @Test("onBeforeSend may close or clear: the request is then not sent", arguments: [true, false])
    func reentryBeforeSend(closes: Bool) throws {
        let fixture = try STUNClientFixture()
        fixture.client.onBeforeSend = { [unowned client = fixture.client] _ in
            if closes { client.close() } else { client.clear() }
        }
        fixture.client.sendRequest()
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.sent == [] && fixture.events == [])
    }

    @Test("A client that is let go closes its socket and is gone")
    func lifetime() throws {
        let platform = FakePlatform()
        weak var reference: STUNClient?
        do {
            let client = try STUNClient(platform: platform, configuration: STUNClientConfiguration(host: "192.0.2.1"))
            reference = client
            client.sendRequest()
            platform.run(for: .milliseconds(100))
            #expect(platform.sockets.map(\.isClosed) == [false])
        }
        #expect(reference == nil)
        #expect(platform.sockets.map(\.isClosed) == [true])
        platform.run()
    }
}

import NetBase
import STUN
import Testing

private typealias World = ScriptedDiscovery

@Suite("The core of NAT behaviour discovery")
struct NATDiscoveryTests {
    @Test(
        "A8.1, A8.2: tests I to III go where RFC 5780 §4.3 and §4.4 send them, filtering from fresh sockets and first")
    func tests() throws {
        let cone = World { World.answer($0) }
        var options = NATDiscoveryOptions()
        options.testsHairpinning = false
        var port: UInt16 = 6000
        let symmetric = World(options: options) { request in
            port += 1
            return World.answer(request, mapped: TransportAddress(World.mapped.ip, port: port))
        }
        #expect(cone.report?.mapping == .endpointIndependent)
        #expect(symmetric.report?.mapping == .addressAndPortDependent)
        #expect(symmetric.report?.filtering == .endpointIndependent)
        let sent = symmetric.requests
        #expect(sent.map(\.socket) == [.first, .addressFilter, .portFilter, .first, .first])
        #expect(
            sent.map(\.destination)
                == [
                    World.server, World.server, World.server, address("192.0.2.11:3478"), World.other,
                ])
        let changes = [(true, true), (false, true)].map {
            STUNMessage.ChangeRequest(changesIP: $0.0, changesPort: $0.1)
        }
        #expect(sent.map(\.change) == [nil, changes[0], changes[1], nil, nil])
        #expect(Set(sent.map(\.message.transactionID)).count == 5)
    }

    @Test("A8.1: mappings that differ by address alone are address-dependent")
    func addressDependent() {
        let run = World { request in
            let port: UInt16 = request.destination.ip == World.server.ip ? 6000 : 7000
            return World.answer(request, mapped: TransportAddress(World.mapped.ip, port: port))
        }
        #expect(run.report?.mapping == .addressDependent)
    }

    @Test("A8.1: silence is no UDP, after 5 s and six requests")
    func silence() {
        let run = World { _ in [] }
        #expect(run.report?.verdict == .noUDP && run.report?.publicAddress == nil)
        #expect(run.requests.count == 6 && run.end == milliseconds(5000))
    }

    @Test(
        "A8.3: nothing is sent to a second address that is none, the server's, ours, or of another scope than the server's",
        arguments: [
            "224.0.0.1:3479", "255.255.255.255:3479", "0.0.0.0:3479", "0.1.2.3:3479", "192.0.2.11:0", "127.0.0.1:3479",
            "10.0.0.1:3479", "192.168.1.1:53", "172.31.0.1:3479", "100.64.0.1:3479", "169.254.1.1:3479",
            "240.0.0.1:3479",
            "192.0.2.10:3479", "192.0.2.11:3478", "203.0.113.1:3479", "10.0.0.2:3479", "[2001:db8::1]:3479",
            "[::ffff:192.0.2.11]:3479",
        ])
    func hostileOtherAddress(_ text: String) {
        let run = World { World.answer($0, other: address(text)) }
        #expect(run.report?.gaps == [.unusableOtherAddress(address(text))])
        #expect(run.report?.mapping == nil && run.report?.filtering == nil)
        #expect(run.destinations.subtracting([World.server, World.mapped]).isEmpty)
    }

    @Test(
        "A8.3: nothing is sent to a mapped address that can be none of ours",
        arguments: [
            "224.0.0.1:5000", "255.255.255.255:5000", "127.0.0.1:5000", "192.168.1.1:5000", "192.0.2.10:99",
            "169.254.0.9:5000", "0.0.0.0:5000",
        ])
    func hostileMappedAddress(_ text: String) {
        let run = World { World.answer($0, mapped: address(text)) }
        #expect(run.report?.hairpins == nil)
        #expect(run.destinations == [World.server, address("192.0.2.11:3478")])
        let other = World { World.answer($0, mapped: $0.socket == .second ? address(text) : World.mapped) }
        #expect(other.report?.hairpins == nil && other.report?.gaps == [.unanswered])
        #expect(!other.destinations.contains(address(text)))
    }

    @Test("A8.3: a private server may have a private second address, over IPv6 too")
    func privateServer() {
        for (server, other) in [
            ("10.1.1.1:3478", "10.1.1.2:3479"), ("127.0.0.1:3478", "127.0.0.2:3479"),
            ("[fd00::1]:3478", "[fd00::2]:3479"),
        ] {
            let run = World(
                server: address(server), local: address(server.contains("[") ? "[fd00::9]:5" : "10.9.9.9:5")
            ) {
                let mapped = address(server.contains("[") ? "[fd00::9]:6" : "10.9.9.9:6")
                return World.answer($0, other: address(other), mapped: mapped)
            }
            #expect(run.destinations.contains(TransportAddress(address(other).ip, port: 3478)))
            #expect(run.report?.mapping == .endpointIndependent)
        }
    }

    @Test("A8.3: answers from an address that was not asked, or with another ID, or on another socket, do not count")
    func strangers() {
        let elsewhere = World { World.answer($0, from: address("198.51.100.66:3478")) }
        #expect(elsewhere.report?.verdict == .noUDP)
        let otherID = World { request in
            World.answer(request).map { arrival in
                let message = STUNMessage(.success, .binding, transactionID: someID)
                return .init(message: message, source: arrival.source, socket: arrival.socket)
            }
        }
        #expect(otherID.report?.verdict == .noUDP)
        let otherSocket = World { request in
            World.answer(request).map { .init(message: $0.message, source: $0.source, socket: .control) }
        }
        #expect(otherSocket.report?.verdict == .noUDP)
    }

    @Test("A8.2: a server that answers CHANGE-REQUEST from another address than it should leaves the filter unknown")
    func misanswered() {
        for source in ["192.0.2.10:3478", "192.0.2.11:3478", "198.51.100.1:3479"] {
            let run = World { World.answer($0, from: $0.change == nil ? nil : address(source)) }
            #expect(run.report?.filtering == nil && run.report?.gaps == [.changeRequestMisanswered])
            #expect(run.report?.mapping == .endpointIndependent && run.report?.verdict == .directToMost)
        }
    }

    @Test("A8.3: a 420 to CHANGE-REQUEST is taken as that")
    func refusedChange() {
        let run = World { $0.change == nil ? World.answer($0) : World.refusal($0, .unknownAttribute) }
        #expect(run.report?.filtering == nil && run.report?.gaps == [.changeRequestRefused(code: 420)])
        #expect(run.report?.mapping == .endpointIndependent)
    }

    @Test("A8.3: a 420 to RESPONSE-PORT, or an answer to the wrong port, ends the measurement of the lifetime")
    func refusedPort() {
        var options = NATDiscoveryOptions()
        options.measuresMappingLifetime = true
        let type = STUNMessage.ResponsePort.type
        for refuses in [true, false] {
            let run = World(options: options) {
                refuses && $0.message.contains(type: type) ? World.refusal($0, .unknownAttribute) : World.answer($0)
            }
            #expect(run.report?.gaps == [.responsePortUnsupported] && run.report?.mappingLifetime == nil)
        }
    }

    @Test("A8.2: where the second address is dead, its silence is not taken for a filter")
    func deadOtherAddress() {
        let run = World { request in
            request.destination == World.server && request.change?.changesIP != true ? World.answer(request) : []
        }
        #expect(run.report?.gaps == [.otherAddressSilent])
        #expect(run.report?.filtering == nil && run.report?.mapping == nil && run.report?.verdict == .unknown)
    }

    @Test("A request that comes back to us is our own only byte for byte, on the other socket, from our address")
    func echoes() throws {
        func run(_ change: (World.Request) throws -> [World.Arrival]) rethrows -> Bool? {
            try World { request in
                guard request.destination == World.mapped else { return World.answer(request) }
                return try change(request)
            }.report?.hairpins
        }
        func arrival(
            _ request: World.Request, from source: String, on socket: NATDiscovery.Socket? = nil,
            _ message: STUNMessage? = nil
        ) -> [World.Arrival] {
            let other: NATDiscovery.Socket = request.socket == .first ? .second : .first
            return [.init(message: message ?? request.message, source: address(source), socket: socket ?? other)]
        }
        #expect(run { arrival($0, from: "203.0.113.1:9") } == true)
        #expect(run { arrival($0, from: "10.0.0.2:9") } == true)
        #expect(run { arrival($0, from: "198.51.100.1:9") } == false)
        #expect(run { arrival($0, from: "203.0.113.1:9", on: $0.socket) } == false)
        #expect(run { arrival($0, from: "203.0.113.1:9", bindingRequest()) } == false)
        #expect(run { World.answer($0) } == false)
    }

    @Test("Requests to ourselves say nothing of us, and no request is ever answered")
    func quiet() {
        let key = IntegrityKey(shortTermPassword: "secret")
        let writer = NATRequestWriter(authentication: .shortTerm(username: "user", key, .sha1), software: "us")
        let run = World(writer: writer) { request in
            var request = World.answer(request, signedBy: key)
            request.append(.init(message: bindingRequest(), source: World.server, socket: .first))
            return request
        }
        #expect(run.requests.allSatisfy { $0.message.messageClass == .request })
        let (own, others) = (
            run.requests.filter { $0.destination == World.mapped },
            run.requests.filter { $0.destination != World.mapped }
        )
        #expect(!own.isEmpty && own.allSatisfy { !$0.message.contains(type: STUNMessage.Username.type) })
        #expect(own.allSatisfy { !$0.message.contains(type: STUNMessage.Software.type) })
        #expect(others.allSatisfy { $0.message.verifyIntegrity(key, .sha1) == .valid(.sha1) })
        #expect(run.report?.mapping == .endpointIndependent)
    }

    @Test("A8.3: a server that asks for a new nonce each time is asked a bounded number of times, and no faster")
    func stale() {
        let longTerm = LongTermAuthenticator(username: "user", password: "pass")
        let run = World(writer: NATRequestWriter(authentication: .longTerm(longTerm))) { request in
            var response = STUNMessage.errorResponse(to: request.message, .staleNonce)
            response.append(STUNMessage.Realm("example.org"))
            response.append(STUNMessage.Nonce("\(request.message.transactionID)"))
            return [.init(message: response, source: request.destination, socket: request.socket)]
        }
        #expect(run.outcome == .refused(.staleNonce))
        #expect(run.requests.count == LongTermAuthenticator.retryLimit + 1)
        #expect(run.end >= milliseconds(5 * 130))
    }

    @Test("A server that wants a user gets one, and the tests that follow are signed at once")
    func longTerm() {
        let key = IntegrityKey(
            longTermUsername: "user", realm: "example.org", password: "pass", algorithm: .md5, preparation: .none)
        let authenticator = LongTermAuthenticator(username: "user", password: "pass")
        let run = World(writer: NATRequestWriter(authentication: .longTerm(authenticator))) { request in
            if request.message.contains(type: STUNMessage.Username.type) || request.destination == World.mapped {
                return World.answer(request, signedBy: key)
            }
            var challenge = STUNMessage.errorResponse(to: request.message, .unauthenticated)
            challenge.append(STUNMessage.Realm("example.org"))
            challenge.append(STUNMessage.Nonce("nonce"))
            return [.init(message: challenge, source: request.destination, socket: request.socket)]
        }
        #expect(run.report?.verdict == .directToAll && run.report?.gaps == [])
        let unsigned = run.requests.filter { !$0.message.contains(type: STUNMessage.Username.type) }
        #expect(unsigned.count { $0.destination != World.mapped } == 1)
    }

    @Test("A first answer that cannot be believed, or names no address, is told as such")
    func failures() {
        let nameless = World { request in
            let message = STUNMessage(.success, .binding, transactionID: request.message.transactionID)
            return [.init(message: message, source: request.destination, socket: request.socket)]
        }
        #expect(nameless.outcome == .failed(.malformedResponse))
        let wrongFamily = World { World.answer($0, mapped: address("[2001:db8::1]:5000")) }
        #expect(wrongFamily.outcome == .failed(.malformedResponse))
        #expect(World { World.refusal($0, .unauthenticated) }.outcome == .refused(.unauthenticated))
        let key = IntegrityKey(shortTermPassword: "secret")
        let writer = NATRequestWriter(authentication: .shortTerm(username: "user", key, .sha1))
        #expect(World(writer: writer) { World.answer($0) }.outcome == .failed(.integrityViolation))
    }

    @Test("A8.3: the lifetime's search is bounded, whatever is asked for")
    func boundedSearch() {
        var options = NATDiscoveryOptions()
        options.measuresMappingLifetime = true
        options.longestLifetime = .seconds(1_000_000)
        options.lifetimePrecision = .zero
        var idlePort: UInt16 = 0
        let run = World(options: options) { request in
            let port: UInt16 = request.socket == .idle ? 7000 : 8000
            idlePort = request.message[STUNMessage.ResponsePort.self]?.value ?? idlePort
            let answers = World.answer(request, mapped: TransportAddress(World.mapped.ip, port: port))
            guard request.message.contains(type: STUNMessage.ResponsePort.type) else { return answers }
            return answers.map { .init(message: $0.message, source: $0.source, socket: .idle) }
        }
        #expect(idlePort == 7000)
        #expect(run.report?.mappingLifetime?.atLeast ?? .zero > .seconds(3590))
        #expect(Set(run.requests.map(\.message.transactionID)).count < 40)
    }
}

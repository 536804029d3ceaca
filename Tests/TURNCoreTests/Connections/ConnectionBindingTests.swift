import NetBase
import STUN
import TURNCore
import Testing

@Suite("ConnectionBind (RFC 6062)")
struct ConnectionBindingTests {
    /// A machine, and what the server has to say on its connection.
    private final class Line {
        var binding: ConnectionBinding
        let connection: PeerConnection
        var now: Instant
        let server: ScriptedServer
        private(set) var requests: [STUNMessage] = []

        init() throws {
            server = ScriptedServer.allocated(isReliable: true) { $0.relayTransport = .tcp }
            server.script[.connect] = [.success([STUNMessage.ConnectionID(42)])]
            server.client.connect(to: peer, at: server.now)
            server.run(ScriptedServer.roundTrip / .seconds(1))
            guard case .connected(let connection)? = server.takeEvents().first else { throw NotConnected() }
            self.connection = connection
            binding = server.client.makeBinding(of: connection, generator: SeededGenerator(seed: 3))
            now = server.now
        }

        func start() throws { try note(binding.start(at: now)) }

        private func note(_ request: [UInt8]) throws { requests.append(try STUNMessage(parsing: request.span)) }

        /// Hands bytes in, and says what came of them, and what was left over.
        func receive(_ bytes: [UInt8]) throws -> (steps: [ConnectionBinding.Step], rest: [UInt8]) {
            var offset = 0
            var steps: [ConnectionBinding.Step] = []
            while let step = binding.receive(bytes.span, from: &offset, at: now) {
                steps.append(step)
                guard case .send(let request) = step else { break }
                try note(request)
            }
            return (steps, Array(bytes[offset...]))
        }

        /// What the server answers to the last request.
        func answer(_ error: STUNMessage.ErrorCode? = nil, isSigned: Bool = true) throws -> [UInt8] {
            let request = try #require(requests.last)
            guard case .accepted(let pass)? = server.gate?.judge(request, from: reflexive, at: now) else {
                throw NotConnected()
            }
            var response: STUNMessage
            if let error {
                response = .errorResponse(to: request, error)
            } else {
                response = STUNMessage(.success, .connectionBind, transactionID: request.transactionID)
            }
            if isSigned { server.gate?.seal(&response, pass, for: request) }
            return response.bytes
        }

        struct NotConnected: Error {}
    }

    @Test("B3.4: the request has the connection's number and the credentials of the control connection, from the start")
    func request() throws {
        let line = try Line()
        try line.start()
        let request = try #require(line.requests.first)
        #expect(request.method == .connectionBind)
        #expect(request[STUNMessage.ConnectionID.self]?.value == 42)
        #expect(request[STUNMessage.Username.self]?.value == "user")
        #expect(request.contains(type: STUNMessage.MessageIntegrity.type) && request.fingerprint == .valid)
        #expect(try line.receive(line.answer()).steps == [.bound])
        #expect(line.binding.deadline == nil)
    }

    @Test("B3.4: wherever the stream is split, what is behind the success is the peer's, and nothing is lost")
    func splits() throws {
        let data: [UInt8] = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 9, 9]
        let length = try {
            let line = try Line()
            try line.start()
            return try line.answer().count
        }()
        for split in 0...length + data.count {
            let line = try Line()
            try line.start()
            let bytes = try line.answer() + data
            let first = try line.receive(Array(bytes[..<split]))
            let isBound = first.steps == [.bound]
            #expect(isBound == (split >= length))
            if isBound {
                #expect(first.rest + bytes[split...] == data)
            } else {
                #expect(first.steps.isEmpty && first.rest.isEmpty)
                let second = try line.receive(Array(bytes[split...]))
                #expect(second.steps == [.bound] && second.rest == data)
            }
        }
    }

    @Test("B3.4: byte by byte it is bound as well")
    func byteByByte() throws {
        let line = try Line()
        try line.start()
        let bytes = try line.answer()
        for byte in bytes.dropLast() { #expect(try line.receive([byte]).steps.isEmpty) }
        #expect(try line.receive([bytes[bytes.count - 1]]).steps == [.bound])
    }

    @Test("B3.4: a nonce that is good for another connection only is replaced, by 438 and by 401 of another realm")
    func staleNonce() throws {
        for code in [438, 401] {
            let line = try Line()
            try line.start()
            let request = try #require(line.requests.first)
            var challenge = STUNMessage.errorResponse(to: request, .init(code: code, reason: "test"))
            challenge.append(STUNMessage.Realm(code == 401 ? "example.net" : "example.org"))
            challenge.append(STUNMessage.Nonce("another"))
            let steps = try line.receive(challenge.bytes).steps
            #expect(steps.count == 1 && line.requests.count == 2)
            let second = try #require(line.requests.last)
            #expect(second[STUNMessage.Nonce.self]?.value == "another")
            #expect(second[STUNMessage.ConnectionID.self]?.value == 42)
            #expect(second.transactionID != request.transactionID)
        }
    }

    @Test("B3.4: a server that goes on asking for other nonces is left")
    func staleForEver() throws {
        let line = try Line()
        try line.start()
        var last: [ConnectionBinding.Step] = []
        for number in 0..<20 {
            let request = try #require(line.requests.last)
            var challenge = STUNMessage.errorResponse(to: request, .staleNonce)
            challenge.append(STUNMessage.Realm("example.org"))
            challenge.append(STUNMessage.Nonce("nonce \(number)"))
            last = try line.receive(challenge.bytes).steps
            if case .failed? = last.first { break }
        }
        guard case .failed(.refused(code: 438, _))? = last.first else {
            Issue.record("\(last)")
            return
        }
        #expect(line.requests.count == 6)
    }

    @Test("B3.4: an error ends it", arguments: [400, 401, 403, 437, 500])
    func refused(_ code: Int) throws {
        let line = try Line()
        try line.start()
        let error = STUNMessage.ErrorCode(code: code, reason: "test")
        #expect(try line.receive(line.answer(error)).steps == [.failed(.refused(code: code, reason: "test"))])
        #expect(line.binding.deadline == nil)
    }

    @Test("B3.4: an answer that is not signed is not believed")
    func unsigned() throws {
        let line = try Line()
        try line.start()
        #expect(
            try line.receive(line.answer(isSigned: false)).steps == [.failed(.unanswered(.integrityViolation))])
    }

    @Test("What is not STUN ends it; messages that are none of its business are passed over")
    func nonsense() throws {
        let line = try Line()
        try line.start()
        let other = STUNMessage(.indication, .data, transactionID: STUNTransactionID(high: 1, low: 1))
        let answer = try line.answer()
        #expect(try line.receive(other.bytes + answer).steps == [.bound])
        let second = try Line()
        try second.start()
        #expect(try second.receive(Array("HTTP/1.1 400 Bad Request\r\n".utf8)).steps == [.failed(.notSTUN)])
    }

    @Test(
        "B3.4: 30 seconds after the connection was heard of it is given up, asked for or not", arguments: [true, false])
    func late(isAsked: Bool) throws {
        let line = try Line()
        line.now = line.now + .seconds(5)
        if isAsked { try line.start() }
        #expect(line.binding.deadline == line.connection.expiry)
        #expect(line.binding.advance(to: line.connection.expiry - .milliseconds(1)) == nil)
        #expect(line.binding.advance(to: line.connection.expiry) == .unanswered(.timeout))
        #expect(line.binding.deadline == nil)
        #expect(line.binding.advance(to: line.connection.expiry) == nil)
    }
}

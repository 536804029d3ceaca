import ICETesting
import NetBase
import STUN
import Testing

@Suite("The simulated STUN server")
struct STUNServerTests {
    let network = SimulatedNetwork(seed: 1)
    let server: SimulatedSTUNServer
    let client: Probe
    let host: SimulatedHost
    private let request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 1, low: 2))

    init() throws {
        let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .portRestricted)
        host = network.makeHost("client", addresses: ["192.168.0.2"], behind: nat)
        client = try Probe(host, "192.168.0.2:5000")
        server = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.1", "2001:db8::1"]))
    }

    func ask() throws -> STUNMessage? {
        try client.send(request.bytes, to: "192.0.2.1:3478")
        network.run(for: .milliseconds(1))
        return try client.payloads.last.map { try STUNMessage(parsing: $0.span) }
    }

    @Test("It tells the client the endpoint that its NAT gave it")
    func mappedAddress() throws {
        let response = try #require(try ask())
        #expect(response.messageClass == .success)
        #expect(response.transactionID == request.transactionID)
        #expect(response[STUNMessage.XORMappedAddress.self]?.address == "203.0.113.1:5000")
        #expect(server.sources == ["203.0.113.1:5000"])
    }

    @Test("It answers over TCP, however the requests are cut")
    func stream() throws {
        let stream = try host.connect(to: "192.0.2.1:3478")
        var answers: [UInt8] = []
        stream.onBytes = { answers += [UInt8](copying: $0) }
        for byte in request.bytes + request.bytes { try stream.write([byte]) }
        network.run(for: .seconds(1))
        #expect(server.sources.count == 2)
        let half = Array(answers[..<(answers.count / 2)])
        let first = try STUNMessage(parsing: half.span)
        #expect(first[STUNMessage.XORMappedAddress.self]?.address.ip == "203.0.113.1")
    }

    @Test("It loses as many requests as it is told to")
    func dropping() throws {
        server.dropNext = 2
        #expect(try ask() == nil)
        #expect(try ask() == nil)
        #expect(try ask() != nil)
        server.isSilent = true
        let count = client.received.count
        _ = try ask()
        #expect(client.received.count == count)
        #expect(server.sources.count == 4)
    }

    @Test("It answers with the error it is told to")
    func errors() throws {
        server.error = STUNMessage.ErrorCode(code: 300, reason: "Try Alternate")
        let response = try #require(try ask())
        #expect(response.messageClass == .failure)
        #expect(response[STUNMessage.ErrorCode.self]?.code == 300)
    }

    @Test("It answers late when it is told to")
    func delay() throws {
        server.delay = .milliseconds(50)
        #expect(try ask() == nil)
        #expect(network.run(until: { !client.received.isEmpty }, atMost: .seconds(1)))
        #expect(network.now == Instant(nanoseconds: 50_000_000))
    }

    @Test("A test may answer in its place")
    func answering() throws {
        server.answer = { request, _ in
            var response = STUNMessage(.success, request.method, transactionID: request.transactionID)
            response.append(STUNMessage.XORMappedAddress("198.51.100.9:9"))
            return response
        }
        #expect(try ask()?[STUNMessage.XORMappedAddress.self]?.address == "198.51.100.9:9")
    }

    @Test("What is no STUN gets no answer")
    func noise() throws {
        try client.send([1, 2, 3], to: "192.0.2.1:3478")
        network.run(for: .seconds(1))
        #expect(client.received.isEmpty)
        #expect(server.sources.isEmpty)
    }
}

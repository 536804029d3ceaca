import ICETesting
import Logging
import NetBase
import STUN
import Testing

@testable import ICE

@Suite("What the clients of servers log, and what they never do")
struct ServerLoggingTests {
    private static let password = "thePasswordOfAlice"

    private let network = SimulatedNetwork(seed: 74)
    private let book = LogBook()

    /// A TURN client that asks, with its server.
    private func allocate(password: String) throws -> (TURNClient, SimulatedTURNServer) {
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["alice": Self.password])
        let client = try TURNClient(
            platform: network.makeHost("client", addresses: ["198.51.100.1"]),
            configuration: TURNClientConfiguration(host: "192.0.2.10", username: "alice", password: password),
            logger: book.logger)
        client.allocate()
        network.run(for: .seconds(1))
        return (client, server)
    }

    @Test("A relay's life is logged at debug, and no password")
    func relay() throws {
        let (client, server) = try allocate(password: Self.password)
        client.bindChannel(to: "203.0.113.1:5000")
        network.run(for: .seconds(700))
        withExtendedLifetime(server) {}
        for word in ["allocated", "channel", "refreshed"] { #expect(book.text().contains(word), "\(book.text())") }
        #expect(!book.text().contains(Self.password))
        #expect(book.lines(atLeast: .info).isEmpty)
        let count = book.lines().count
        client.close()
        network.run(for: .seconds(1))
        #expect(book.lines().count == count)
    }

    @Test("A refusal is logged with its code, and not the password that was refused")
    func refusal() throws {
        let (client, server) = try allocate(password: "notThePasswordOfAlice")
        withExtendedLifetime((client, server)) {}
        #expect(book.text().contains("401") && !book.text().contains("notThePasswordOfAlice"))
    }

    @Test("A STUN client logs what it is told, errors, and silence")
    func binding() throws {
        let platform = FakePlatform()
        let server = STUNServerCore()
        var configuration = STUNClientConfiguration(host: "192.0.2.1")
        configuration.authentication = .shortTerm(username: "alice", password: Self.password, algorithm: .sha1)
        platform.onSend = { bytes, _, socket in
            guard let response = server.respond(to: bytes.span, from: publicAddress) else { return }
            socket.deliver(response.bytes, from: serverAddress, after: .milliseconds(5))
        }
        let signed = try STUNClient(platform: platform, configuration: configuration, logger: book.logger)
        signed.sendRequest()
        platform.run()
        #expect(book.text().contains("integrityViolation") && !book.text().contains(Self.password))
        configuration.authentication = .none
        let client = try STUNClient(platform: platform, configuration: configuration, logger: book.logger)
        client.sendRequest()
        platform.run()
        #expect(book.text().contains("response") && book.text().contains("\(publicAddress)"))
        platform.onSend = nil
        client.sendRequest()
        platform.run()
        #expect(book.text().contains("no answer in time"))
        #expect(book.lines(atLeast: .info).isEmpty)
    }
}

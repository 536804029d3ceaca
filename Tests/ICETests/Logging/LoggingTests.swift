import Digest
import ICECore
import ICETesting
import Logging
import STUN
import Testing

@testable import ICE

@Suite("What is logged, and what never is")
struct LoggingTests {
    @Test("No credential is logged at any level: passwords, those of TURN servers right and wrong, keys, nonces")
    func secrets() throws {
        let call = try LoggedCall()
        call.runToItsEnd()
        let text = call.book.text()
        for word in ["local candidate", "pair selected", "pair failed", "no candidate", "gathering", "state"] {
            #expect(text.contains(word), "nothing was logged of this: \(word)")
        }
        #expect(text.contains("check the username and the credential"))
        #expect(call.nonces.count > 1 && call.passwords.count == 4)
        for secret in call.secrets { #expect(!text.contains(secret)) }
    }

    @Test("A client that is given no logger has one that says nothing")
    func silent() {
        let network = SimulatedNetwork(seed: 70)
        let client = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]))
        #expect(client.logger.handler is SwiftLogNoOpLogHandler)
    }

    @Test("A whole call logs nothing above debug")
    func quiet() throws {
        let call = try LoggedCall()
        call.runToItsEnd()
        #expect(call.book.lines(atLeast: .info).isEmpty)
    }

    @Test("What is logged above debug names no address, and says what failed")
    func faults() {
        let network = SimulatedNetwork(seed: 72)
        let host = network.makeHost("a", addresses: ["192.0.2.1", "2001:db8::1"])
        let book = LogBook()
        var configuration = ICEConfiguration()
        configuration.gatheringPolicy = .continually
        configuration.addressExposure = .defaultRoute
        let client = ICEClient(
            platform: FaultyPlatform(host, [.listing, .watching]), configuration: configuration, logger: book.logger)
        client.gatherCandidates()
        network.run(for: .seconds(1))
        let lines = book.lines(atLeast: .info)
        #expect(lines.count == 2 && lines.allSatisfy { $0.contains("EPERM") && $0.contains("interfaces") })
        #expect(lines.allSatisfy { !$0.hasAddress })
    }

    @Test(
        "E5.1: with names of its own, a client logs its addresses at no level, whatever fails",
        arguments: [[], [.binding], [.marking]] as [Set<FaultyPlatform.Fault>])
    func hiddenAddresses(_ faults: Set<FaultyPlatform.Fault>) throws {
        let home = try HomeScene()
        let book = LogBook()
        var configuration = ICEConfiguration()
        configuration.multicastDNS = .publish
        configuration.differentiatedServicesCodePoint = 46
        configuration.servers = try HomeScene.servers()
        let client = ICEClient(
            platform: FaultyPlatform(home.a, faults), configuration: configuration, logger: book.logger)
        let peer = ICEClient(on: home.b, configuration: .init(role: .controlled))
        client.onCandidate = { [weak peer] in peer?.addRemoteCandidate($0) }
        peer.onCandidate = { [weak client] in client?.addRemoteCandidate($0) }
        try client.setRemoteParameters(peer.localParameters)
        try peer.setRemoteParameters(client.localParameters)
        for client in [client, peer] {
            client.gatherCandidates()
            client.processCandidates()
        }
        home.network.run(for: .seconds(5))
        home.a.interface.sendFault = .notPermitted
        home.network.run(for: .seconds(40))
        #expect(!book.lines().isEmpty)
        // The peer told its own, which is no secret.
        #expect(!book.text().contains("192.168.1.2") && !book.text().contains("fe80::2"))
    }

    @Test("Without names of its own, a client's log says where it could not bind")
    func shownAddresses() {
        let network = SimulatedNetwork(seed: 73)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        let book = LogBook()
        let client = ICEClient(
            platform: FaultyPlatform(host, [.binding]), configuration: ICEConfiguration(), logger: book.logger)
        client.gatherCandidates()
        #expect(book.text().contains("192.0.2.1") && book.text().contains("EPERM"))
    }

    @Test("What holds credentials does not print them, by either of Swift's two ways")
    func descriptions() throws {
        let password = "pAsSwOrD/of/22+letters"
        let parameters = try ICEParameters(usernameFragment: "frag", password: password)
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["turn:192.0.2.1"], username: "u", credential: password)]
        var stun = STUNClientConfiguration(host: "192.0.2.1")
        stun.authentication = .longTerm(username: "u", password: password)
        let turn = TURNClientConfiguration(host: "192.0.2.1", username: "u", password: password)
        for value in [parameters, configuration, stun, stun.authentication, turn] as [Any] {
            #expect(!"\(value)".contains(password) && !String(reflecting: value).contains(password))
        }
        #expect("\(stun)".contains("192.0.2.1") && "\(stun)".contains("u"))
    }
}

/// A call over TURN servers, one of which does not know the password, with its restart and its end; all of it logged.
private final class LoggedCall {
    let book = LogBook()
    private(set) var nonces: Set<String> = []
    private(set) var passwords: Set<String> = []
    private let network = SimulatedNetwork(seed: 71)
    private let clients: [ICEClient]
    private let callee: SimulatedHost

    private static let users = ["user": "rIgHt-pAsSwOrD"]
    private static let wrong = "wRoNg-pAsSwOrD"
    private static let realm = "example.org"

    init() throws {
        for (name, ip) in [("good", "198.51.100.1"), ("bad", "198.51.100.2")] as [(String, IPAddress)] {
            try SimulatedTURNServer(
                on: network.makeHost(name, addresses: [ip]), users: Self.users, realm: Self.realm)
        }
        let hosts = ["a", "b"].enumerated().map { [network] index, name in
            let nat = network.makeNAT(
                "\(name)'s", external: [IPAddress(v4: 0xcb00_7101 + UInt32(index))], behavior: .symmetric)
            return network.makeHost(name, addresses: ["192.168.1.2"], behind: nat)
        }
        callee = hosts[1]
        var configuration = ICEConfiguration()
        configuration.servers = [
            try ICEServer(urls: ["turn:198.51.100.1"], username: "user", credential: "rIgHt-pAsSwOrD"),
            try ICEServer(urls: ["turn:198.51.100.2"], username: "user", credential: Self.wrong),
        ]
        clients = zip(hosts, [Role.controlling, .controlled]).map { [book, configuration] host, role in
            var configuration = configuration
            configuration.role = role
            return ICEClient(platform: host, configuration: configuration, logger: book.logger)
        }
        let clients = clients
        for (client, peer) in [(clients[0], clients[1]), (clients[1], clients[0])] {
            client.onCandidate = { [unowned peer] in peer.addRemoteCandidate($0) }
        }
        network.interceptor = { [weak self] packet in
            guard let message = try? STUNMessage(parsing: packet.bytes.span) else { return .pass }
            if let nonce = message[STUNMessage.Nonce.self]?.value { self?.nonces.insert(nonce) }
            return .pass
        }
    }

    func runToItsEnd() {
        introduce()
        for client in clients {
            client.gatherCandidates()
            client.processCandidates()
        }
        network.run(until: { self.clients.allSatisfy { $0.state == .completed } }, atMost: .seconds(30))
        for client in clients { client.restart() }
        introduce()
        network.run(for: .seconds(10))
        callee.shutDown()
        network.run(until: { self.clients[0].state == .failed }, atMost: .seconds(60))
        for client in clients { client.close() }
    }

    private func introduce() {
        for (client, peer) in [(clients[0], clients[1]), (clients[1], clients[0])] {
            passwords.insert(client.localParameters.password)
            try? peer.setRemoteParameters(client.localParameters)
        }
    }

    /// All that nobody may read, and the keys that are made of it, as bytes are printed.
    var secrets: [String] {
        let turn = Array(Self.users.values) + [Self.wrong]
        return Array(passwords) + Array(nonces) + turn + turn.flatMap(Self.keys)
    }

    private static func keys(_ password: String) -> [String] {
        [HashFunction.md5, .sha256].flatMap { function -> [String] in
            let key = function.digest(of: Array("user:\(realm):\(password)".utf8)) ?? []
            let digits = key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            return [digits.joined(), "\(key)"]
        }
    }
}

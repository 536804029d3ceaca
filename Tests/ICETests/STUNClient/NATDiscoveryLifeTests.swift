import ICE
import ICETesting
import Testing

@Suite("The life of a discovery of NAT behaviour")
struct NATDiscoveryLifeTests {
    @Test("Closed or cleared at any instant, a discovery says and sends nothing more", arguments: [true, false])
    func ending(byClosing: Bool) throws {
        for step in 0..<60 {
            let scene = try NATDiscoveryScene(.symmetric)
            scene.start()
            scene.network.run(for: .milliseconds(100 * step))
            let before = scene.results.count
            if byClosing { scene.client.close() } else { scene.client.clear() }
            let sent = scene.sentCount
            scene.network.run(for: .seconds(60))
            #expect(scene.results.count == before && scene.sentCount == sent)
            #expect(scene.network.isIdle || !byClosing)
        }
    }

    @Test("The result's closure may close the client, or begin again")
    func reentrancy() throws {
        let scene = try NATDiscoveryScene(.open)
        var verdicts: [NATReport.Verdict?] = []
        let client = scene.client
        client.discoverNATBehavior { [unowned client] in
            verdicts.append(try? $0.get().verdict)
            client.discoverNATBehavior {
                verdicts.append(try? $0.get().verdict)
                client.close()
            }
        }
        scene.network.run(for: .seconds(60))
        #expect(verdicts == [.directToAll, .directToAll])
        #expect(scene.network.isIdle)
    }

    @Test("A client that goes takes its discovery along")
    func lifetime() throws {
        let scene = try NATDiscoveryScene()
        var client: STUNClient? = try STUNClient(
            on: scene.host, configuration: STUNClientConfiguration(host: "192.0.2.10"))
        weak let weakly = client
        var count = 0
        client?.discoverNATBehavior { _ in count += 1 }
        scene.network.run(for: .milliseconds(500))
        client = nil
        #expect(weakly == nil)
        scene.network.run(for: .seconds(60))
        #expect(count == 0)
    }

    @Test("Requests go on beside a discovery")
    func besideRequests() throws {
        let scene = try NATDiscoveryScene()
        var responses = 0
        scene.client.onResponse = { _ in responses += 1 }
        scene.start()
        for _ in 0..<5 {
            scene.client.sendRequest()
            scene.network.run(for: .seconds(2))
        }
        #expect(responses == 5 && scene.results.count == 1)
    }

    @Test(
        "What cannot be done is an error on a later turn: a stream, a second discovery, a name without address, no route"
    )
    func errors() throws {
        let scene = try NATDiscoveryScene()
        var codes: [STUNClientError.Code] = []
        func discover(_ client: STUNClient) {
            let before = codes.count
            client.discoverNATBehavior { if case .failure(let error) = $0 { codes.append(error.code) } }
            #expect(codes.count == before)
        }
        func client(_ host: String, _ transport: TransportProtocol = .udp) throws -> STUNClient {
            try STUNClient(on: scene.host, configuration: STUNClientConfiguration(host: host, transport: transport))
        }
        let clients = [
            try client("192.0.2.10", .tcp), try client("nowhere.example.org"), try client("2001:db8::1"),
        ]
        scene.start()
        discover(scene.client)
        for client in clients { discover(client) }
        scene.network.run(for: .seconds(30))
        #expect(Set(codes) == [.tooManyRequests, .invalidConfiguration, .nameResolutionFailed, .connectionFailed])
        #expect(codes.count == 4 && scene.results.count == 1)
    }

    @Test("A closed port is told as unreachable, and a server that refuses as that")
    func unreachable() throws {
        let scene = try NATDiscoveryScene(.open)
        var codes: [STUNClientError.Code] = []
        for port in [UInt16(9), 4000] {
            var configuration = STUNClientConfiguration(host: "192.0.2.10")
            configuration.port = port
            let client = try STUNClient(on: scene.host, configuration: configuration)
            let server = try? SimulatedSTUNServer(on: scene.server, port: 4000)
            server?.error = .forbidden
            client.discoverNATBehavior { if case .failure(let error) = $0 { codes.append(error.code) } }
            scene.network.run(for: .seconds(30))
            client.close()
        }
        #expect(codes == [.unreachable, .refused])
    }

    @Test("A server that wants credentials gets them, in every test of a discovery")
    func credentials() throws {
        let network = SimulatedNetwork(seed: 4)
        let stun = network.makeHost("stun", addresses: ["192.0.2.10"])
        let server = try SimulatedSTUNServer(on: stun)
        let key = IntegrityKey(shortTermPassword: "secret")
        server.answer = { request, source in
            guard request.verifyIntegrity(key, .sha1) == .valid(.sha1) else { return nil }
            var response = STUNMessage.bindingResponse(to: request, from: source)
            response.appendIntegrity(key, .sha1)
            return response
        }
        let host = network.makeHost("client", addresses: ["203.0.113.1"])
        var configuration = STUNClientConfiguration(host: "192.0.2.10")
        configuration.authentication = .shortTerm(username: "user", password: "secret")
        let client = try STUNClient(on: host, configuration: configuration)
        var mappings: [NATReport.Mapping?] = []
        client.discoverNATBehavior { mappings.append((try? $0.get())?.mapping) }
        network.run(for: .seconds(30))
        #expect(mappings == [.noNAT])
        client.close()
    }
}

import ICE
import ICETesting
import Testing

@Suite("B3.6: calls over relays that access tokens open")
struct RelayAccessTokenTests {
    private final class Call {
        let network = SimulatedNetwork(seed: 31)
        let server: SimulatedTURNServer
        let iceServer: ICEServer
        let call: SimulatedCall
        var asked: [[String]] = [[], []]

        /// Both have a token for so long from the start.
        init(lifetime: Int64) throws {
            let host = network.makeHost("turn", addresses: ["192.0.2.10"])
            server = try SimulatedTURNServer(on: host, users: [:])
            server.settings.thirdPartyName = "turn.example.org"
            let servers = try ICEServer(
                urls: ["turn:192.0.2.10", "turn:192.0.2.10?transport=tcp"],
                accessToken: server.issueAccessToken(lifetime: .seconds(lifetime)))
            iceServer = servers
            let (a, b) = RelayTests.hosts(network, RelayTests.far)
            call = SimulatedCall(network, a, b) {
                $0.servers = [servers]
                $0.transportPolicy = .relay
            }
        }

        func listen(answering lifetime: Int64?) {
            for (index, client) in call.clients.enumerated() {
                client.onAccessTokenNeeded = { [unowned self, unowned client] iceServer, name in
                    #expect(iceServer == self.iceServer)
                    asked[index].append(name)
                    client.provide(
                        accessToken: lifetime.map { server.issueAccessToken(lifetime: .seconds($0)) }, for: iceServer)
                }
            }
        }
    }

    @Test("B3.6: a call lives for as long as new tokens come, each asked for once for all relays of the server")
    func renewal() throws {
        let setting = try Call(lifetime: 300)
        setting.listen(answering: 300)
        #expect(setting.call.connect(atMost: .seconds(10)))
        #expect(setting.server.allocations.count >= 2)
        setting.network.run(for: .seconds(1000))
        #expect(setting.call.talk())
        #expect(setting.asked.allSatisfy { 4...5 ~= $0.count && Set($0) == ["turn.example.org"] })
    }

    @Test("B3.6: where none come, the relays end with the token, and the call with them")
    func expiry() throws {
        let setting = try Call(lifetime: 300)
        setting.listen(answering: nil)
        #expect(setting.call.connect(atMost: .seconds(10)))
        setting.network.run(for: .seconds(250))
        #expect(setting.call.talk())
        setting.network.run(for: .seconds(150))
        #expect(setting.server.allocations.isEmpty)
        #expect(setting.call.hasFailed)
    }

    @Test("B3.6: a token that has run out before gathering is asked for, and the candidates are there")
    func late() throws {
        let setting = try Call(lifetime: 60)
        setting.network.run(for: .seconds(100))
        setting.listen(answering: 600)
        #expect(setting.call.connect(atMost: .seconds(10)))
        #expect(setting.asked.allSatisfy { $0.count == 1 })
    }

    @Test("B3.6: without an answer there is one candidate error for each relay, with 401")
    func refused() throws {
        let setting = try Call(lifetime: 60)
        setting.server.revokeAccessTokens()
        var errors: [CandidateError] = []
        setting.call.caller.onCandidateError = { errors.append($0) }
        setting.call.caller.gatherCandidates()
        setting.network.run(for: .seconds(5))
        #expect(errors.count == 2)
        #expect(errors.allSatisfy { $0.errorCode == 401 && $0.errorText.contains("turn.example.org") })
        setting.call.close()
    }
}

import NetBase
import STUN
import Testing

@testable import TURNCore

@Suite("B3.6: responses that nobody with the session key has signed")
struct ForgedTokenResponseTests {
    private let token = accessToken(1)

    /// A server that says nothing from here on, and the request that waits for its answer.
    private func waiting(for method: STUNMethod) throws -> (ScriptedServer, STUNMessage) {
        let server: ScriptedServer
        if method == .allocate {
            server = .withTokens(token)
            server.provide(token)
            server.script[.allocate] = Array(repeating: .silence, count: 9)
            server.allocate()
            server.run(0.03)
        } else {
            server = .allocated(under: token)
            server.client.refresh(at: server.now)
        }
        server.isSilent = true
        server.run(0.005)
        return (server, try #require(server.requests(method).last))
    }

    @Test(
        "B3.6: an unsigned success or error is discarded, and so is one under another key",
        arguments: [STUNMethod.allocate, .refresh], [nil, 400, 403, 437, 486, 500] as [Int?])
    func discarded(method: STUNMethod, code: Int?) throws {
        for key in [nil, IntegrityKey(macKey: [1, 2, 3])] {
            let (server, request) = try waiting(for: method)
            #expect(request.accessToken == token.token)
            server.client.receive(forgery(of: code, to: request, key), at: server.now)
            #expect(server.takeEvents().isEmpty)
            server.run(1)
            #expect(server.requests(method).last == request, "the same request goes on")
            #expect((server.state != nil) == (method == .refresh))
        }
    }

    @Test("B3.6: a 401 under another key is discarded; an unsigned one may be from a server that cannot open the token")
    func challenges() throws {
        let (server, request) = try waiting(for: .refresh)
        server.client.receive(forgery(of: 401, to: request, IntegrityKey(macKey: [1])), at: server.now)
        #expect(server.takeEvents().isEmpty)
        server.client.receive(forgery(of: 401, to: request, nil), at: server.now)
        #expect(server.takeEvents() == [.accessTokenNeeded(serverName: serverName)])
        server.run(100)
        #expect(server.state != nil, "which by itself ends nothing")
    }

    private func forgery(of code: Int?, to request: STUNMessage, _ key: IntegrityKey?) -> STUNMessage {
        var message = STUNMessage(
            code == nil ? .success : .failure, request.method, transactionID: request.transactionID)
        if let code {
            message.append(STUNMessage.ErrorCode(code: code, reason: "forged"))
            message.append(STUNMessage.Realm("example.org"))
            message.append(STUNMessage.Nonce("of mine"))
        } else {
            message.append(STUNMessage.XORRelayedAddress(relayV4))
            message.append(STUNMessage.XORMappedAddress(reflexive))
            message.append(STUNMessage.Lifetime(600))
        }
        if let key { message.appendIntegrity(key) }
        return message
    }
}

import ICE
import NetBase
import STUN
import Testing

@Suite("Links to servers with several addresses")
struct LinkAddressTests {
    private let dead = IPAddress(v4: 0xc000_0263)
    private let alive = serverAddress.ip

    private func fixture(_ addresses: [IPAddress], _ transport: TransportProtocol) throws -> STUNClientFixture {
        let fixture = try STUNClientFixture(host: "stun.example", transport: transport)
        fixture.platform.names = ["stun.example": addresses]
        fixture.platform.blackHoles = [dead]
        fixture.platform.listeners = [serverAddress]
        let server = STUNServerCore()
        fixture.platform.onWrite = { bytes, stream in
            guard let response = server.respond(to: bytes.span, from: publicAddress) else { return }
            stream.deliver(response.bytes, after: .milliseconds(20))
        }
        return fixture
    }

    @Test("An address that does not answer at all is left for the next one after 3 s")
    func blackHole() throws {
        let fixture = try fixture([dead, alive], .tcp)
        fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(60))
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
        #expect(fixture.eventTimes == [5 + 3000 + 10 + 20])
        #expect(fixture.platform.openCount == 1)
    }

    @Test("The last address has the rest of the 39.5 s")
    func lastAddress() throws {
        let fixture = try fixture([dead, dead], .tcp)
        let id = fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(60))
        #expect(fixture.events == [.error(.connectionFailed, id)])
        #expect(fixture.eventTimes == [39_500])
        #expect(fixture.platform.streams.count == 2 && fixture.platform.openCount == 0)
    }
}

import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("Links to servers with several addresses")
struct LinkAddressTests {
    private let dead = IPAddress(v4: 0xc000_0263)
    private let otherDead = IPAddress(v4: 0xc000_0264)
    private let alive = serverAddress.ip

    private func fixture(_ addresses: [IPAddress], _ transport: TransportProtocol) throws -> STUNClientFixture {
        let fixture = try STUNClientFixture(host: "stun.example", transport: transport)
        fixture.platform.names = ["stun.example": addresses]
        fixture.platform.blackHoles = [dead, otherDead]
        fixture.platform.listeners = [serverAddress]
        let server = STUNServerCore()
        fixture.platform.onWrite = { bytes, stream in
            guard let response = server.respond(to: bytes.span, from: publicAddress) else { return }
            stream.deliver(response.bytes, after: .milliseconds(20))
        }
        return fixture
    }

    @Test(
        "A6.8, B3.2: an address that does not answer is joined by the next one after 250 ms, and closed when that one opens"
    )
    func blackHole() throws {
        let fixture = try fixture([dead, alive], .tcp)
        fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(60))
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
        #expect(fixture.eventTimes == [5 + 250 + 10 + 20])
        #expect(fixture.platform.openCount == 1)
    }

    @Test("All addresses together have 39.5 s")
    func lastAddress() throws {
        let fixture = try fixture([dead, otherDead, dead], .tcp)
        let id = fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(60))
        #expect(fixture.events == [.error(.connectionFailed, id)])
        #expect(fixture.eventTimes == [39_500])
        #expect(fixture.platform.streams.count == 2 && fixture.platform.openCount == 0)
    }

    @Test("An address that refuses makes place for the next one at once, also in the middle of a race")
    func refused() throws {
        let refusing = IPAddress(v4: 0xc000_0265)
        let fixture = try fixture([dead, refusing, alive], .tcp)
        fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(60))
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
        #expect(fixture.eventTimes == [5 + 250 + 10 + 10 + 20])
        #expect(fixture.platform.openCount == 1)
    }

    @Test("The families take turns, the resolver's first one begins")
    func alternation() throws {
        let six: [IPAddress] = ["2001:db8::63", "2001:db8::64"]
        let fixture = try fixture(six + [dead, otherDead], .tcp)
        fixture.platform.blackHoles.formUnion(six)
        fixture.client.sendRequest()
        fixture.platform.run(for: .seconds(2))
        #expect(fixture.platform.streams.map(\.remoteAddress.ip) == [six[0], dead, six[1], otherDead])
    }
}

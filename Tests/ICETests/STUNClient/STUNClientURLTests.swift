import ICECore
import NetBase
import Testing

@testable import ICE

struct STUNClientURLTests {
    @Test(
        "A client is configured by a URL of RFC 7064",
        arguments: [
            ("stun:stun.example.org", "stun.example.org", UInt16(3478), TransportProtocol.udp),
            ("stun:192.0.2.1:3479", "192.0.2.1", 3479, .udp),
            ("stun:[2001:db8::1]", "2001:db8::1", 3478, .udp),
            ("stuns:stun.example.org", "stun.example.org", 5349, .tls),
        ])
    func urls(url: String, host: String, port: UInt16, transport: TransportProtocol) throws {
        let configuration = try STUNClientConfiguration(url: url)
        #expect(configuration.host == host)
        #expect(configuration.port == port)
        #expect(configuration.transport == transport)
    }

    @Test("A TURN URL configures no STUN client", arguments: ["turn:turn.example.org", "turns:turn.example.org"])
    func otherServices(url: String) {
        let error = #expect(throws: ICESyntaxError.self) { try STUNClientConfiguration(url: url) }
        #expect(error?.code == .unsupportedServer)
    }
}

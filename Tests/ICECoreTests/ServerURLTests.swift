import NetBase
import Testing

@testable import ICECore

@Suite("Server URLs")
struct ServerURLTests {
    private typealias Row = (String, ServerURL.Service, TransportProtocol, String, UInt16)

    @Test(
        "A6.7, B3.1: the URLs of RFC 7064 and RFC 7065 are taken apart",
        arguments: [
            ("stun:example.org", .stun, .udp, "example.org", 3478),
            ("stun:example.org:8000", .stun, .udp, "example.org", 8000),
            ("STUN:Example.ORG", .stun, .udp, "Example.ORG", 3478),
            ("stuns:example.org", .stun, .tls, "example.org", 5349),
            ("stun:192.0.2.1", .stun, .udp, "192.0.2.1", 3478),
            ("stun:[2001:db8::1]", .stun, .udp, "2001:db8::1", 3478),
            ("stun:[2001:DB8:0::1]:1", .stun, .udp, "2001:db8::1", 1),
            ("turn:example.org", .turn, .udp, "example.org", 3478),
            ("turn:example.org?transport=udp", .turn, .udp, "example.org", 3478),
            ("turn:example.org:80?transport=tcp", .turn, .tcp, "example.org", 80),
            ("turns:example.org", .turn, .tls, "example.org", 5349),
            ("turns:example.org?transport=tcp", .turn, .tls, "example.org", 5349),
            ("turns:example.org?transport=udp", .turn, .dtls, "example.org", 5349),
            ("turns:192.0.2.1:443?transport=tcp", .turn, .tls, "192.0.2.1", 443),
            ("turn:[2001:db8::1]:65535", .turn, .udp, "2001:db8::1", 65535),
            ("stun:a_b-c.example", .stun, .udp, "a_b-c.example", 3478),
        ] as [Row])
    func good(url: String, service: ServerURL.Service, transport: TransportProtocol, host: String, port: UInt16) throws
    {
        let parsed = try ServerURL(url)
        #expect(parsed.text == url && parsed.service == service && parsed.transport == transport)
        #expect(parsed.host == host && parsed.port == port)
    }

    @Test(
        "A6.7, B3.1: anything else is refused",
        arguments: [
            "", "stun", "stun:", "example.org", "http://example.org", "stun://example.org", "stun:example.org:",
            "stun:example.org:0", "stun:example.org:65536", "stun:example.org:+80", "stun:example.org:8x",
            "stun:2001:db8::1",
            "stun:[2001:db8::1", "stun:2001:db8::1]", "stun:[192.0.2.1]", "stun:[example.org]", "stun:[]", "stun::3478",
            "stun:example.org?transport=udp", "stun:example.org?", "stuns:192.0.2.1", "stuns:[2001:db8::1]",
            "turn:example.org?", "turn:example.org?transport=sctp", "turn:example.org?transport=",
            "turn:example.org?foo=bar",
            "turn:example.org?transport=udp&x=y", "turn:user@example.org", "turn:example.org/path", "stun:exa mple.org",
            "stun: example.org", "stun:exämple.org", "stun:example.org#x", "stun:[fe80::1%eth0]",
            "stun:" + String(repeating: "a", count: 256), "stun:" + String(repeating: "a", count: 2000),
        ])
    func bad(url: String) throws {
        let error = try #require(throws: ICESyntaxError.self) { try ServerURL(url) }
        #expect(error.code == .malformedServerURL)
    }

    @Test(
        "What is wrong with a URL is told without the password that somebody has put into it",
        arguments: [
            "turn:user:hunter2@example.org", "turn://user:hunter2@example.org:3478",
            "turn:example.org?username=user&credential=hunter2", "turns:example.org:x?credential=hunter2",
        ])
    func secretInURL(url: String) throws {
        let error = try #require(throws: ICESyntaxError.self) { try ServerURL(url) }
        #expect(!error.message.contains("hunter2") && error.code == .malformedServerURL)
    }

    @Test("A server of this version is reached by stun: over UDP")
    func servers() throws {
        let server = try ICEServer(urls: ["stun:a.example", "stun:192.0.2.1:8000"])
        #expect(server.urls == ["stun:a.example", "stun:192.0.2.1:8000"])
    }

    @Test(
        "B3.1: servers that this version does not use, or that can't be read, are refused with their own codes",
        arguments: [
            ("turn:a.example", ICESyntaxError.Code.missingCredential),
            ("turns:a.example?transport=udp", .missingCredential), ("stun:", .malformedServerURL),
        ])
    func refusedServers(url: String, code: ICESyntaxError.Code) throws {
        let error = try #require(throws: ICESyntaxError.self) { try ICEServer(urls: ["stun:good.example", url]) }
        #expect(error.code == code)
    }
}

@Suite("Which local addresses are used")
struct AddressPolicyTests {
    private static func address(
        _ ip: IPAddress, on interface: String = "eth0", temporary: Bool = false, deprecated: Bool = false
    ) -> InterfaceAddress {
        InterfaceAddress(
            interface: interface, index: 2, ip: ip, prefixLength: ip.family == .v4 ? 24 : 64, isTemporary: temporary,
            isDeprecated: deprecated)
    }

    @Test(
        "E3.1: IPv4 addresses come between IPv6 ones (RFC 8421 §4)",
        arguments: [
            (6, 2, "66664664"), (1, 1, "64"), (2, 2, "6644"), (1, 2, "644"), (3, 1, "6664"), (0, 2, "44"), (2, 0, "66"),
            (8, 4, "666466646644"),
        ])
    func intermingled(_ v6: Int, _ v4: Int, _ expected: String) throws {
        let addresses =
            try (0..<v4).map { Self.address(try #require(IPAddress("192.0.2.\($0 + 1)"))) }
            + (0..<v6).map { Self.address(try #require(IPAddress("2001:db8::\($0 + 1)"))) }
        let order = AddressPolicy().select(from: addresses).map { $0.family == .v6 ? "6" : "4" }.joined()
        #expect(order == expected)
    }

    @Test(
        "C1.1: addresses that RFC 8445 §5.1.1.1 rules out are not used",
        arguments: [
            "127.0.0.1", "::1", "::192.0.2.1", "fec0::1", "::ffff:192.0.2.1", "224.0.0.1", "ff02::1", "0.0.0.0", "::",
        ])
    func excluded(text: String) throws {
        let ip = try #require(IPAddress(text) as IPAddress?)
        #expect(AddressPolicy().select(from: [Self.address(ip), Self.address("192.0.2.1")]) == ["192.0.2.1"])
    }

    @Test("A deprecated address is not used")
    func deprecated() {
        #expect(AddressPolicy().select(from: [Self.address("2001:db8::1", deprecated: true)]).isEmpty)
    }

    @Test("Loopback is used where it is asked for, last")
    func loopback() {
        let all: [InterfaceAddress] = [
            Self.address("127.0.0.1", on: "lo"), Self.address("192.0.2.1"), Self.address("::1", on: "lo"),
        ]
        #expect(AddressPolicy(includesLoopback: true).select(from: all) == ["192.0.2.1", "127.0.0.1", "::1"])
    }

    @Test("Global IPv6 goes before IPv4, unique-local IPv6 and link-local follow")
    func order() {
        let all: [InterfaceAddress] = [
            Self.address("fe80::1%2"), Self.address("fd00::1"), Self.address("192.0.2.1"), Self.address("2001:db8::1"),
            Self.address("198.51.100.1", on: "eth1"), Self.address("192.0.2.1", on: "eth1"),
        ]
        #expect(
            AddressPolicy().select(from: all) == ["2001:db8::1", "192.0.2.1", "198.51.100.1", "fd00::1", "fe80::1%2"])
    }

    @Test("C1.1: beside a temporary address, the stable one of its prefix and link-local ones stay unused")
    func privacy() {
        let all: [InterfaceAddress] = [
            Self.address("2001:db8:0:1::5"), Self.address("2001:db8:0:1::abcd", temporary: true),
            Self.address("2001:db8:0:2::5"),
            Self.address("fe80::1%2"), Self.address("192.0.2.1"),
        ]
        #expect(AddressPolicy().select(from: all) == ["2001:db8:0:1::abcd", "2001:db8:0:2::5", "192.0.2.1"])
        let expired = [
            Self.address("2001:db8:0:1::5"), Self.address("2001:db8:0:1::abcd", temporary: true, deprecated: true),
        ]
        #expect(AddressPolicy().select(from: expired) == ["2001:db8:0:1::5"])
    }

    @Test("A list of addresses is used as it stands, whatever kind they are, as far as they exist")
    func only() {
        let policy = AddressPolicy(only: ["127.0.0.1", "fe80::1", "203.0.113.1"])
        let all: [InterfaceAddress] = [Self.address("192.0.2.1"), Self.address("127.0.0.1"), Self.address("fe80::1%2")]
        #expect(policy.select(from: all) == ["fe80::1%2", "127.0.0.1"])
    }
}

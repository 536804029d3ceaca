import ArgumentParser
import ICE
import Testing

@testable import IceTool

struct OptionTests {
    @Test(
        "A host alone gets a scheme",
        arguments: [
            ("stun.example.org", "stun:stun.example.org"), ("stun.example.org:3479", "stun:stun.example.org:3479"),
            ("STUN:stun.example.org", "stun:stun.example.org"), ("turns:turn.example.org", "turns:turn.example.org"),
            ("[2001:db8::1]:3478", "stun:[2001:db8::1]:3478"),
        ])
    func urls(text: String, url: String) {
        #expect(ServerURLText.complete(text, scheme: "stun") == url)
    }

    @Test("A server is checked over all transports at the ports that go with them")
    func transports() throws {
        #expect(try TURNURLs.expand("turn:h:3480", allTransports: false) == ["turn:h:3480"])
        #expect(
            try TURNURLs.expand("turn:h:3480", allTransports: true) == [
                "turn:h:3480?transport=udp", "turn:h:3480?transport=tcp", "turns:h:5349?transport=tcp",
                "turns:h:5349?transport=udp",
            ])
        #expect(
            try TURNURLs.expand("turns:[2001:db8::1]:443", allTransports: true) == [
                "turn:[2001:db8::1]:3478?transport=udp", "turn:[2001:db8::1]:3478?transport=tcp",
                "turns:[2001:db8::1]:443?transport=tcp", "turns:[2001:db8::1]:443?transport=udp",
            ])
    }

    @Test("Credentials come from the options, or else from the environment")
    func credentials() throws {
        let environment = ["ICE_TURN_USER": "alice", "ICE_TURN_PASSWORD": "secret"]
        #expect(try CredentialOptions.parse([]).credentials(in: environment) == ("alice", "secret"))
        #expect(try CredentialOptions.parse(["--user", "bob"]).credentials(in: environment) == ("bob", "secret"))
        #expect(throws: ValidationError.self) { try CredentialOptions.parse([]).credentials(in: [:]) }
    }

    @Test(
        "Ranges of ports",
        arguments: [
            ("50000-50100", UInt16(50000)...50100), ("50000", 50000...50000), ("0-5", nil), ("9-8", nil),
            ("1-2-3", nil), ("x", nil),
            ("70000", nil),
        ] as [(String, ClosedRange<UInt16>?)])
    func ports(text: String, range: ClosedRange<UInt16>?) {
        #expect(PortRange(argument: text)?.range == range)
    }

    @Test(
        "What cannot be is refused before anything is done",
        arguments: [
            ["gather", "--stun", "turn:turn.example.org"], ["gather", "--stun", "stun:a:b:c"],
            ["gather", "--policy", "relay"],
            ["gather", "--timeout", "0"], ["gather", "--address", "here"],
            ["gather", "--interface", "no such interface"],
            ["gather", "--ca", "/no/such/file"], ["nat"], ["nat", "stuns:stun.example.org"], ["turn-check"],
            ["turn-check", "stun:stun.example.org", "--user", "u", "--password", "p"], ["connect", "--count", "0"],
            ["connect", "--throughput", "61"], ["connect", "--ca", "f", "--insecure"],
        ])
    func refused(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try Ice.parseAsRoot(arguments) }
        if let error { #expect(Ice.exitCode(for: error) == .validationFailure) }
    }
}

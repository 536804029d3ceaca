import NetBase
import Testing

@Suite("Addresses as text and bytes")
struct AddressTests {
    @Test(
        "Text is read and written in its canonical form (RFC 5952)",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("0:0:0:1::", "0:0:0:1::"), ("::ffff:192.0.2.33", "::ffff:192.0.2.33"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("fe80::1%3", "fe80::1%3"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ])
    func canonicalText(_ input: String, _ expected: String) {
        #expect(IPAddress(input)?.description == expected)
    }

    @Test(
        "Text that is no address is refused",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", "1.2.3.4%1", ":", ":::", "1::2::3",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "::+1", "::g", "::1%eth0", "::1.2.3",
            "1.2.3.4::", "::1:", ":1::", "1:", "localhost", "::1 ", "1:::2", "fe80:::1",
        ])
    func badText(_ input: String) {
        #expect(IPAddress(input) == nil)
    }

    @Test("The wire form goes both ways", arguments: ["192.0.2.1", "2001:db8:1234:5678:11:2233:4455:6677"])
    func wireForm(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(IPAddress(bytes: address.bytes.span) == address)
        let short = Array(address.bytes.dropLast())
        #expect(IPAddress(bytes: short.span) == nil)
    }

    @Test("Kinds of address are told apart")
    func classification() throws {
        #expect(try #require(IPAddress("127.3.2.1")).isLoopback)
        #expect(IPAddress.loopback(.v6).isLoopback)
        #expect(try #require(IPAddress("169.254.1.1")).isLinkLocal)
        #expect(try #require(IPAddress("febf::1")).isLinkLocal)
        #expect(!(try #require(IPAddress("fec0::1")).isLinkLocal))
        #expect(try #require(IPAddress("fec0::1")).isSiteLocal)
        #expect(try #require(IPAddress("::1.2.3.4")).isV4Compatible)
        #expect(!IPAddress.loopback(.v6).isV4Compatible)
        #expect(try #require(IPAddress("::ffff:10.0.0.1")).unmapped == #require(IPAddress("10.0.0.1")))
        #expect(try #require(IPAddress("239.0.0.1")).isMulticast)
    }

    @Test(
        "Endpoints are read and written with brackets around IPv6",
        arguments: ["192.0.2.1:3478", "[2001:db8::1]:0", "[fe80::1%2]:65535"])
    func endpoints(_ text: String) {
        #expect(TransportAddress(text)?.description == text)
    }

    @Test(
        "Endpoints without a port, with a bad one or with misplaced brackets are refused",
        arguments: [
            "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "::1:80", "[192.0.2.1]:80", "[::1]", "[]:1", "host:1",
        ])
    func badEndpoints(_ text: String) {
        #expect(TransportAddress(text) == nil)
    }
}

@Suite("Time")
struct InstantTests {
    @Test("Instants move by durations and saturate at the ends of time")
    func arithmetic() {
        let start = Instant(nanoseconds: 1_000)
        #expect(start + .milliseconds(2) == Instant(nanoseconds: 2_001_000))
        #expect((start + .milliseconds(2)) - start == .milliseconds(2))
        #expect(start + .seconds(Int64.max) == Instant(nanoseconds: .max))
        #expect("\(Instant(nanoseconds: 12_034_000_000))" == "12.034")
    }
}

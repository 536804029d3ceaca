import Foundation
import NetBase
import Testing

@testable import ICECore

@Suite("Candidate lines")
struct CandidateTextTests {
    @Test(
        "D2.1, D2.2: lines in the manner of other implementations are read and written back",
        arguments: [
            // Browsers
            "candidate:842163049 1 udp 1677729535 198.51.100.7 49203 typ srflx raddr 0.0.0.0 rport 9 generation 0 ufrag EEtu network-id 1 network-cost 10",
            "candidate:1467250027 1 udp 2122260223 192.0.2.14 46154 typ host generation 0 ufrag aB+/ network-id 2",
            "candidate:3 1 tcp 1518280447 192.0.2.14 9 typ host tcptype active generation 0",
            "candidate:2 2 tcp 1518280446 192.0.2.14 50001 typ host tcptype passive",
            // libnice, pion, aioice
            "candidate:7 1 udp 2015363327 2001:db8:1::7 50612 typ host",
            "candidate:4 1 udp 503316991 203.0.113.9 61222 typ relay raddr 198.51.100.7 rport 49203",
            "candidate:5 1 tcp 1019216383 192.0.2.14 40000 typ host tcptype so",
            "candidate:d0a1b2c3d4e5f60718293a4b5c6d7e8f 256 udp 1 192.0.2.1 1 typ prflx raddr 192.0.2.2 rport 0",
        ])
    func roundTrip(line: String) throws {
        let candidate = try Candidate(line)
        #expect(candidate.description == line)
        #expect(try Candidate("a=\(line)\r\n") == candidate)
    }

    @Test("D2.1, D2.6: every part of a line is read")
    func parts() throws {
        let candidate = try Candidate(
            "candidate:a+/9 2 udp 1694498814 192.0.2.3 45665 typ srflx raddr 203.0.113.141 rport 8999 ufrag abcd x y")
        #expect(candidate.foundation.description == "a+/9" && candidate.component == .rtcp)
        #expect(
            candidate.transport == .udp && candidate.priority == 1_694_498_814 && candidate.kind == .serverReflexive)
        #expect(candidate.address == "192.0.2.3:45665" && candidate.relatedAddress == "203.0.113.141:8999")
        #expect(candidate.usernameFragment == "abcd")
        #expect(candidate.attributes == [.init(name: "ufrag", value: "abcd"), .init(name: "x", value: "y")])
        #expect(candidate.path == .path(0, 2))
    }

    @Test(
        "D2.1 to D2.6: what deviates in form but not in meaning is accepted",
        arguments: [
            ("a=candidate:1 1 udp 9 192.0.2.1 5 typ host\r\n", "candidate:1 1 udp 9 192.0.2.1 5 typ host"),
            (" candidate:1 1 UDP 9 192.0.2.1 5 TYP HOST ", "candidate:1 1 udp 9 192.0.2.1 5 typ host"),
            ("Candidate:1  1\tUdp   9 192.0.2.1 5 typ host", "candidate:1 1 udp 9 192.0.2.1 5 typ host"),
            ("candidate: 1 1 udp 9 192.0.2.1 5 typ host", "candidate:1 1 udp 9 192.0.2.1 5 typ host"),
            ("candidate:a-b_c 1 udp 9 192.0.2.1 5 typ host", "candidate:a-b_c 1 udp 9 192.0.2.1 5 typ host"),
            ("candidate:1 1 udp 4294967295 192.0.2.1 5 typ host", "candidate:1 1 udp 4294967295 192.0.2.1 5 typ host"),
            ("candidate:1 1 udp 9 [2001:db8::1] 5 typ host", "candidate:1 1 udp 9 2001:db8::1 5 typ host"),
            ("candidate:1 1 udp 9 fe80::1%eth0 5 typ host", "candidate:1 1 udp 9 fe80::1 5 typ host"),
            ("candidate:1 1 udp 9 ::ffff:192.0.2.1 5 typ host", "candidate:1 1 udp 9 192.0.2.1 5 typ host"),
            (
                "candidate:1 1 udp 9 192.0.2.1 5 typ host generation 0 odd",
                "candidate:1 1 udp 9 192.0.2.1 5 typ host generation 0"
            ),
            (
                "candidate:1 1 udp 9 192.0.2.1 5 typ srflx",
                "candidate:1 1 udp 9 192.0.2.1 5 typ srflx raddr 0.0.0.0 rport 9"
            ),
            (
                "candidate:1 1 udp 9 2001:db8::1 5 typ relay",
                "candidate:1 1 udp 9 2001:db8::1 5 typ relay raddr :: rport 9"
            ),
            (
                "candidate:1 1 udp 9 192.0.2.1 5 typ srflx RADDR 192.0.2.2 RPORT 6",
                "candidate:1 1 udp 9 192.0.2.1 5 typ srflx raddr 192.0.2.2 rport 6"
            ),
            (
                "candidate:1 1 udp 9 192.0.2.1 5 typ srflx x y rport 6 raddr 192.0.2.2",
                "candidate:1 1 udp 9 192.0.2.1 5 typ srflx raddr 192.0.2.2 rport 6 x y"
            ),
            ("candidate:1 1 TCP 9 192.0.2.1 0 typ host", "candidate:1 1 tcp 9 192.0.2.1 0 typ host tcptype passive"),
            (
                "candidate:1 1 tcp 9 192.0.2.1 9 typ host tcptype ACTIVE",
                "candidate:1 1 tcp 9 192.0.2.1 9 typ host tcptype active"
            ),
        ])
    func tolerated(line: String, written: String) throws {
        #expect(try Candidate(line).description == written)
    }

    @Test(
        "D2.5: what can't be understood is refused as malformed",
        arguments: [
            "", "candidate", "candidate:", "candidate:1", "a=b", "c=candidate:1 1 udp 9 192.0.2.1 5 typ host",
            "candidate:1 1 udp 9 192.0.2.1 5 typ", "candidate:1 1 udp 9 192.0.2.1 5 host",
            "candidate:1 1 udp 9 192.0.2.1 typ host",
            "candidate:1 0 udp 9 192.0.2.1 5 typ host", "candidate:1 257 udp 9 192.0.2.1 5 typ host",
            "candidate:1 -1 udp 9 192.0.2.1 5 typ host", "candidate:1 x udp 9 192.0.2.1 5 typ host",
            "candidate:1 1 udp 4294967296 192.0.2.1 5 typ host", "candidate:1 1 udp -9 192.0.2.1 5 typ host",
            "candidate:1 1 udp 99999999999999999999 192.0.2.1 5 typ host",
            "candidate:1 1 udp 9 192.0.2.1 65536 typ host",
            "candidate:1 1 udp 9 192.0.2.1 0 typ host", "candidate:1 1 udp 9 192.0.2.256 5 typ host",
            "candidate:1 1 udp 9 2001:db8::1::2 5 typ host", "candidate:1 1 udp 9 12345:: 5 typ host",
            "candidate:a*b 1 udp 9 192.0.2.1 5 typ host", "candidate:é 1 udp 9 192.0.2.1 5 typ host",
            "candidate:123456789012345678901234567890123 1 udp 9 192.0.2.1 5 typ host",
        ])
    func malformed(line: String) throws {
        let error = try #require(throws: ICESyntaxError.self) { try Candidate(line) }
        #expect(error.code == .malformedCandidate)
    }

    @Test(
        "D2.4: what is well-formed but not for this agent is refused as unsupported",
        arguments: [
            "candidate:1 1 udp 9 host.example 5 typ host",
            "candidate:1 1 udp 9 a.b.local 5 typ host", "candidate:1 1 udp 9 .local 5 typ host",
            "candidate:1 1 udp 9 a_b.local 5 typ host", "candidate:1 1 udp 9 host.local. 5 typ host",
            "candidate:1 1 sctp 9 192.0.2.1 5 typ host", "candidate:1 1 ssltcp 9 192.0.2.1 443 typ relay",
            "candidate:1 1 udp 9 192.0.2.1 5 typ token", "candidate:1 1 udp 9 192.0.2.1 5 typ local",
        ])
    func unsupported(line: String) throws {
        let error = try #require(throws: ICESyntaxError.self) { try Candidate(line) }
        #expect(error.code == .unsupportedCandidate)
    }

    @Test("E5.2: a name with one dot that ends in .local stands in the place of the address, in text and JSON")
    func hostName() throws {
        let line = "candidate:1 1 udp 9 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 5 typ host ufrag abcd"
        let candidate = try Candidate(line)
        #expect(candidate.hostName == "1f4712db-ea17-4bcf-a596-105139dfd8bf.local")
        #expect(candidate.address == TransportAddress(.any(.v4), port: 5))
        #expect(candidate.description == line)
        let json = try JSONEncoder().encode(candidate)
        #expect(try JSONDecoder().decode(Candidate.self, from: json) == candidate)
        #expect(try Candidate("candidate:1 1 udp 9 Printer.LOCAL 5 typ host").hostName == "Printer.LOCAL")
        #expect(try Candidate("candidate:1 1 udp 9 192.0.2.1 5 typ host").hostName == nil)
    }

    @Test(
        "A broken IPv6 address is not taken for a host name",
        arguments: ["2001:db8::1::f", "fe80:::1", "2001:db8::xyz"])
    func brokenAddress(address: String) throws {
        let error = try #require(throws: ICESyntaxError.self) {
            try Candidate("candidate:1 1 udp 9 \(address) 5 typ host")
        }
        #expect(error.code == .malformedCandidate)
    }

    @Test("A line may have 4096 bytes and no more")
    func length() throws {
        let line = "candidate:1 1 udp 9 192.0.2.1 5 typ host x "
        let longest = line + String(repeating: "y", count: 4096 - line.utf8.count)
        #expect(try Candidate(longest).attributes.count == 1)
        let error = try #require(throws: ICESyntaxError.self) { try Candidate(longest + "y") }
        #expect(error.code == .malformedCandidate && error.message.utf8.count < 300)
    }

    @Test("Random mutations never crash, and what is read is read again from its own text")
    func mutations() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let original = Array(
            "a=candidate:42 1 udp 1694498815 2001:db8::7 45664 typ srflx raddr 192.0.2.9 rport 89 ufrag x\r\n".utf8)
        for _ in 0..<5000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes.randomElement(using: &generator) ?? 0, at: index)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let candidate = try? Candidate(text) else { continue }
            #expect(try Candidate(candidate.description) == candidate, "seed \(seed), line \(text)")
        }
    }

    @Test(
        "D2.6: a network costs 0 to 999, whatever is claimed",
        arguments: [("10", 10), ("999", 999), ("1000", 999), ("5000", 999), ("-1", 0), ("x", 0)])
    func networkCost(claimed: String, cost: Int) throws {
        let line = "candidate:1 1 udp 9 192.0.2.1 5 typ host network-cost \(claimed)"
        #expect(try Candidate(line).networkCost == cost)
        #expect(try Candidate(line).description == line)
    }
}

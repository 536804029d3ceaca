import DNS
import NetBase
import Testing

@Suite struct DNSMessageTests {
    private let name = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"

    private func read(_ bytes: [UInt8]) throws(DNSError) -> DNSMessage { try DNSMessage(parsing: bytes.span) }

    @Test("A question and its answer read as they were written")
    func roundTrip() throws {
        var question = DNSMessage()
        question.questions = [DNSQuestion(name, .a, wantsUnicast: true), DNSQuestion(name, .aaaa)]
        var answer = DNSMessage.response
        let v6 = try #require(IPAddress("2001:db8::7"))
        answer.answers = [
            DNSRecord(name, address: IPAddress(v4: 0xc000_0207), timeToLive: 120),
            DNSRecord(name, address: v6, isUnique: false, timeToLive: 4_000_000_000),
        ]
        answer.additionals = [try #require(DNSRecord.only(.aaaa, of: name, timeToLive: 120))]
        for message in [question, answer] {
            let read = try read(message.bytes())
            #expect(read == message)
        }
        #expect(!question.isResponse && answer.isResponse)
        #expect(answer.answers.map(\.address) == [IPAddress(v4: 0xc000_0207), v6])
    }

    @Test("A message has the bytes of RFC 1035, with the top bit of RFC 6762 in the class")
    func bytes() throws {
        var question = DNSMessage()
        question.questions = [DNSQuestion("ab.local", .aaaa, wantsUnicast: true)]
        let head: [UInt8] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        let labels: [UInt8] = [2, 0x61, 0x62, 5, 0x6c, 0x6f, 0x63, 0x61, 0x6c, 0]
        #expect(try question.bytes() == head + labels + [0, 28, 0x80, 1])

        let only = try #require(DNSRecord.only(.aaaa, of: "ab.local", timeToLive: 1))
        #expect(only.data == labels + [0, 4, 0, 0, 0, 8])
        #expect(DNSRecord.only(.a, of: "ab.local", timeToLive: 1)?.data == labels + [0, 1, 0x40])
    }

    @Test("Compressed names are read, and those that lead in a circle or out of the message are not")
    func compression() throws {
        let head: [UInt8] = [0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0]
        let first: [UInt8] = [
            2, 0x61, 0x62, 5, 0x6c, 0x6f, 0x63, 0x61, 0x6c, 0, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 10, 0, 0, 1,
        ]
        func second(_ pointer: [UInt8]) -> [UInt8] { pointer + [0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 10, 0, 0, 2] }
        let message = try read(head + first + second([0xc0, 12]))
        #expect(message.answers.map(\.name) == ["ab.local", "ab.local"])
        #expect(message.answers.map(\.isUnique) == [true, false])
        let bad: [[UInt8]] = [[0xc0, 36], [0xc0, 200], [0xff, 0xff]]
        for pointer in bad {
            #expect(throws: DNSError.malformed) { try read(head + first + second(pointer)) }
        }
    }

    @Test("What is cut off, longer than it says, or longer than multicast DNS allows, is no message")
    func malformed() throws {
        var answer = DNSMessage.response
        answer.answers = [DNSRecord(name, address: IPAddress(v4: 1), timeToLive: 120)]
        let bytes = try answer.bytes()
        for count in bytes.indices {
            #expect(throws: DNSError.malformed) { try read(Array(bytes[..<count])) }
        }
        #expect(throws: DNSError.malformed) { try read(bytes + [0]) }
        let long = [UInt8](repeating: 0, count: 9001)
        #expect(throws: DNSError.tooLong) { try read(long) }
    }

    @Test("Records of other classes, types and lengths hold no address")
    func addresses() {
        var record = DNSRecord(name, address: .loopback(.v4), timeToLive: 1)
        #expect(record.address == .loopback(.v4))
        record.isInternet = false
        #expect(record.address == nil)
        #expect(DNSRecord(name, .aaaa, isUnique: true, timeToLive: 1, data: [1, 2, 3, 4]).address == nil)
        #expect(DNSRecord(name, .a, isUnique: true, timeToLive: 1, data: [1, 2, 3]).address == nil)
        #expect(DNSRecord(name, .any, isUnique: true, timeToLive: 1, data: [1, 2, 3, 4]).address == nil)
    }

    @Test("Names that the wire can't carry are refused")
    func badNames() {
        let long = String(repeating: "a", count: 64)
        for bad in ["\(long).local", "a..local", String(repeating: "abcdefg.", count: 40), "a\0b.local"] {
            var message = DNSMessage()
            message.questions = [DNSQuestion(bad, .a)]
            #expect(throws: DNSError.badName) { try message.bytes() }
        }
    }

    @Test("Random bytes, and messages with random changes, never crash")
    func randomBytes() throws {
        var answer = DNSMessage.response
        answer.questions = [DNSQuestion(name, .any)]
        answer.answers = [DNSRecord(name, address: IPAddress(v4: 1), timeToLive: 120)]
        answer.additionals = [try #require(DNSRecord.only(.a, of: name, timeToLive: 120))]
        let whole = try answer.bytes()
        var generator = SystemRandomNumberGenerator()
        var readable = 0
        for round in 0..<20_000 {
            var bytes = whole
            if round % 4 == 0 {
                bytes = (0..<Int.random(in: 0...120)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            } else {
                for _ in 0...Int.random(in: 0...6, using: &generator) {
                    bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
            }
            guard let message = try? read(bytes) else { continue }
            readable += 1
            // What the library has read it can write, or says that it can't.
            _ = try? message.bytes()
        }
        #expect(readable > 0)
    }
}

import Digest
import NetBase
import STUN
import Testing

@Suite("Integrity and fingerprint")
struct IntegrityTests {
    private let key = IntegrityKey(shortTermPassword: "secret")

    private func signed(_ algorithms: [IntegrityAlgorithm]) -> STUNMessage {
        var message = bindingRequest([STUNMessage.Username("a:b")])
        for algorithm in algorithms { message.appendIntegrity(key, algorithm) }
        message.appendFingerprint()
        return message
    }

    /// The signed message with its MESSAGE-INTEGRITY-SHA256 cut to some bytes of the code that goes with that length.
    private func truncated(to count: Int) throws -> STUNMessage {
        var message = bindingRequest([STUNMessage.Username("a:b")])
        message.append(type: STUNMessage.MessageIntegritySHA256.type, value: [UInt8](repeating: 0, count: count))
        // The length is hashed, so that each truncation has a code of its own.
        let paddedCount = (count + 3) / 4 * 4
        var text = bindingRequest([STUNMessage.Username("a:b")]).bytes
        text[3] = UInt8(message.bytes.count - 20)
        let code = try #require(hmacSHA256(key: Array("secret".utf8), text))
        let valueStart = message.bytes.count - paddedCount
        let value = code.prefix(count) + [UInt8](repeating: 0, count: paddedCount - min(count, code.count))
        return try STUNMessage(Array(message.bytes.prefix(valueStart)) + value)
    }

    @Test("Either algorithm verifies by itself; with both, SHA-256 decides", arguments: IntegrityAlgorithm.allCases)
    func algorithms(algorithm: IntegrityAlgorithm) {
        let other: IntegrityAlgorithm = algorithm == .sha1 ? .sha256 : .sha1
        #expect(signed([algorithm]).verifyIntegrity(key) == .valid(algorithm))
        #expect(signed([algorithm]).verifyIntegrity(key, other) == .missing)
        #expect(signed([algorithm]).fingerprint == .valid)
        #expect(signed([.sha1, .sha256]).verifyIntegrity(key) == .valid(.sha256))
        #expect(signed([.sha1, .sha256]).verifyIntegrity(key, .sha1) == .valid(.sha1))
        #expect(signed([]).verifyIntegrity(key) == .missing)
    }

    @Test("A wrong SHA-256 code is not saved by a right SHA-1 code")
    func noDowngrade() throws {
        var bytes = signed([.sha1, .sha256]).bytes
        bytes[bytes.count - 9] ^= 1
        #expect(try STUNMessage(bytes).verifyIntegrity(key) == .invalid)
    }

    @Test("A2.8: MESSAGE-INTEGRITY behind MESSAGE-INTEGRITY-SHA256 does not count")
    func wrongOrder() {
        let message = signed([.sha256, .sha1])
        #expect(message.verifyIntegrity(key, .sha1) == .missing)
        #expect(message.verifyIntegrity(key) == .valid(.sha256))
    }

    @Test("A3.2: a truncated SHA-256 code holds only where the usage allows it", arguments: [16, 20, 24, 28, 32])
    func truncation(count: Int) throws {
        let message = try truncated(to: count)
        #expect(message.verifyIntegrity(key) == (count == 32 ? .valid(.sha256) : .invalid))
        #expect(message.verifyIntegrity(key, minimumLength: 16) == .valid(.sha256))
        #expect(message.verifyIntegrity(key, minimumLength: count) == .valid(.sha256))
        #expect(message.verifyIntegrity(key, minimumLength: count + 4) == .invalid)
    }

    @Test("A3.2: a SHA-256 code of another length never holds", arguments: [0, 4, 12, 17, 18, 19, 30, 36])
    func badTruncation(count: Int) throws {
        #expect(try truncated(to: count).verifyIntegrity(key, minimumLength: 0) == .invalid)
    }

    @Test("A3.1: a SHA-1 code of another length never holds", arguments: [0, 16, 24])
    func badSHA1Length(count: Int) {
        var message = bindingRequest()
        message.append(type: STUNMessage.MessageIntegrity.type, value: [UInt8](repeating: 0, count: count))
        #expect(message.verifyIntegrity(key) == .invalid)
    }

    @Test("USE-CANDIDATE behind the integrity attribute has no effect")
    func attributesBehindIntegrity() throws {
        var message = bindingRequest([STUNMessage.Username("a:b")])
        message.appendIntegrity(key)
        message.append(STUNMessage.UseCandidate())
        message.append(type: 0x7f00, value: [])
        message.appendIntegrity(key, .sha256)
        message.append(STUNMessage.Priority(1))
        message.appendFingerprint()
        let received = try STUNMessage(message.bytes)
        #expect(received[STUNMessage.UseCandidate.self] == nil)
        #expect(received[STUNMessage.Priority.self] == nil)
        #expect(received.unknownRequiredAttributes(known: .ice) == [])
        #expect(received.verifyIntegrity(key, .sha1) == .valid(.sha1))
        #expect(received.verifyIntegrity(key, .sha256) == .valid(.sha256))
        #expect(received.fingerprint == .valid)
        #expect(received.attributes.map(\.isCovered) == [true, true, false, false, true, false, true])
    }

    @Test("A3.3: a fingerprint that is not last, not 4 bytes long or changed is invalid")
    func badFingerprints() throws {
        var behind = signed([.sha1])
        behind.append(STUNMessage.Software("x"))
        #expect(behind.fingerprint == .invalid)
        #expect(behind[STUNMessage.Software.self] == nil)
        var short = bindingRequest()
        short.append(type: STUNMessage.Fingerprint.type, value: [1, 2])
        #expect(short.fingerprint == .invalid)
        for index in 0..<4 {
            var bytes = signed([]).bytes
            bytes[bytes.count - 1 - index] ^= 0x10
            #expect(try STUNMessage(bytes).fingerprint == .invalid)
        }
        #expect(bindingRequest().fingerprint == .missing)
    }

    @Test("A3.3: the checksum is right for every length around the eight bytes that are taken at a time")
    func checksumLengths() {
        for count in 0..<40 {
            var message = bindingRequest()
            message.append(type: 0x8000, value: (0..<UInt8(count)).map { $0 &* 37 })
            let expected = bitwiseCRC(message.bytes, finalLength: message.bytes.count - 12) ^ 0x5354_554e
            message.appendFingerprint()
            #expect(message[STUNMessage.Fingerprint.self]?.value == expected)
            #expect(message.fingerprint == .valid)
        }
    }

    @Test("An empty password is a key like any other")
    func emptyPassword() {
        let empty = IntegrityKey(shortTermPassword: "")
        var message = bindingRequest()
        message.appendIntegrity(empty)
        #expect(message.verifyIntegrity(empty) == .valid(.sha1))
        #expect(message.verifyIntegrity(key) == .invalid)
    }

    @Test("A key of an unknown algorithm verifies nothing, not even what it signed itself")
    func unknownAlgorithm() {
        let broken = IntegrityKey(
            longTermUsername: "u", realm: "r", password: "p", algorithm: STUNPasswordAlgorithm(rawValue: 77))
        var message = bindingRequest()
        message.appendIntegrity(broken)
        #expect(message.verifyIntegrity(broken) == .invalid)
    }

    @Test("A3.4: strings go through the preparation before they become a key")
    func preparation() {
        let upper = StringPreparation { $0.uppercased() }
        var message = bindingRequest()
        message.appendIntegrity(IntegrityKey(shortTermPassword: "abc", preparation: upper))
        #expect(message.verifyIntegrity(IntegrityKey(shortTermPassword: "ABC")) == .valid(.sha1))
    }
}

/// CRC-32 a bit at a time, with the header's length as it will be once the fingerprint is in.
private func bitwiseCRC(_ bytes: [UInt8], finalLength: Int) -> UInt32 {
    var bytes = bytes
    bytes[2] = UInt8(finalLength >> 8)
    bytes[3] = UInt8(finalLength & 0xff)
    var crc = UInt32.max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0xedb8_8320 }
    }
    return ~crc
}

private func hmacSHA256(key: [UInt8], _ text: [UInt8]) -> [UInt8]? {
    let hmac = HMAC(.sha256, key: key)
    hmac?.restart()
    hmac?.update(text.span)
    return hmac?.finish()?.bytes
}

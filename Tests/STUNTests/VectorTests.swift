import NetBase
import STUN
import Testing

@Suite("RFC vectors")
struct VectorTests {
    private let key = IntegrityKey(shortTermPassword: Vectors.password)

    private func parse(_ bytes: [UInt8]) throws -> STUNMessage { try STUNMessage(parsing: bytes.span) }

    @Test("A7.1: RFC 5769 §2.1: the sample request reads and verifies, though its padding is not zero")
    func request() throws {
        let message = try parse(Vectors.request)
        #expect(message.bytes.count == 108)
        #expect(message.messageClass == .request && message.method == .binding)
        #expect(message.transactionID == Vectors.transactionID)
        #expect(message[STUNMessage.Software.self]?.value == "STUN test client")
        #expect(message[STUNMessage.Priority.self]?.value == 0x6e00_01ff)
        #expect(message[STUNMessage.ICEControlled.self]?.tieBreaker == 0x932f_f9b1_5126_3b36)
        #expect(message[STUNMessage.Username.self]?.value == "evtj:h6vY")
        #expect(message.verifyIntegrity(key) == .valid(.sha1))
        #expect(message.fingerprint == .valid)
        #expect(message.unknownRequiredAttributes(known: .ice) == [])
        #expect(message.unknownRequiredAttributes(known: .stun) == [0x0024])
    }

    @Test(
        "A7.1: RFC 5769 §2.2 and §2.3: the sample responses read and verify",
        arguments: [
            (Vectors.responseV4, "192.0.2.1:32853"),
            (Vectors.responseV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
        ])
    func responses(bytes: [UInt8], address: String) throws {
        let message = try parse(bytes)
        #expect(message.messageClass == .success && message.method == .binding)
        #expect(message[STUNMessage.Software.self]?.value == "test vector")
        #expect(message[STUNMessage.XORMappedAddress.self]?.address == TransportAddress(address))
        #expect(message.verifyIntegrity(key) == .valid(.sha1))
        #expect(message.fingerprint == .valid)
    }

    @Test("A7.2: RFC 5769 §2.4: the request with long-term credentials verifies, and is written again byte for byte")
    func longTerm() throws {
        let message = try parse(Vectors.longTermRequest)
        #expect(message.bytes.count == 116)
        let key = IntegrityKey(longTermUsername: Vectors.katakana, realm: "example.org", password: "TheMatrIX")
        #expect(message.verifyIntegrity(key) == .valid(.sha1))
        #expect(message.fingerprint == .missing)

        var again = STUNMessage(.request, .binding, transactionID: message.transactionID)
        again.append(STUNMessage.Username(Vectors.katakana))
        again.append(STUNMessage.Nonce("f//499k954d6OL34oL9FSTvy64sA"))
        again.append(STUNMessage.Realm("example.org"))
        again.appendIntegrity(key)
        #expect(again.bytes == Vectors.longTermRequest)
    }

    @Test("A7.3: RFC 8489 §B.1, corrected: SHA-256 credentials and the user's hash are written byte for byte")
    func sha256() throws {
        let key = IntegrityKey(
            longTermUsername: Vectors.katakana, realm: "example.org", password: "TheMatrIX", algorithm: .sha256)
        let message = try parse(Vectors.sha256Request)
        #expect(message.verifyIntegrity(key) == .valid(.sha256))
        #expect(message.verifyIntegrity(key, .sha1) == .missing)

        var again = STUNMessage(.request, .binding, transactionID: message.transactionID)
        again.append(try #require(STUNMessage.UserHash(username: Vectors.katakana, realm: "example.org")))
        again.append(STUNMessage.Nonce("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"))
        again.append(STUNMessage.Realm("example.org"))
        again.append(STUNMessage.PasswordAlgorithm(.sha256))
        again.appendIntegrity(key, .sha256)
        #expect(again.bytes == Vectors.sha256Request)
    }

    @Test("A request like the sample, but with zeros as padding, is written with right integrity and fingerprint")
    func requestWritten() throws {
        var message = STUNMessage(.request, .binding, transactionID: Vectors.transactionID)
        message.append(STUNMessage.Software("STUN test client"))
        message.append(STUNMessage.Priority(0x6e00_01ff))
        message.append(STUNMessage.ICEControlled(tieBreaker: 0x932f_f9b1_5126_3b36))
        message.append(STUNMessage.Username("evtj:h6vY"))
        var padded = Array(Vectors.request.prefix(76))
        padded.replaceSubrange(73..<76, with: [0, 0, 0])
        #expect(Array(message.bytes.dropFirst(4)) == Array(padded.dropFirst(4)))
        message.appendIntegrity(key)
        message.appendFingerprint()
        #expect(message.bytes.count == 108)
        #expect(message.verifyIntegrity(key) == .valid(.sha1))
        #expect(message.fingerprint == .valid)
    }

    @Test("Another password does not verify, nor does any changed byte in front of the integrity attribute")
    func wrongKey() throws {
        let other = IntegrityKey(shortTermPassword: "VOkJxbRl1RmTxUk/WvJxBT")
        #expect(try parse(Vectors.request).verifyIntegrity(other) == .invalid)
        let integrityEnd = Vectors.request.count - 8
        for index in Vectors.request.indices {
            var bytes = Vectors.request
            bytes[index] ^= 0x01
            guard let message = try? parse(bytes) else { continue }
            #expect(message.fingerprint != .valid, "byte \(index)")
            #expect((message.verifyIntegrity(key) == .valid(.sha1)) == (index >= integrityEnd), "byte \(index)")
        }
    }
}

import NetBase
import STUN
import Testing

@Suite("Robustness")
struct RobustnessTests {
    private let key = IntegrityKey(shortTermPassword: Vectors.password)

    /// Everything that a receiver might ask of bytes; a message that parses must be those bytes.
    private func examine(_ bytes: [UInt8]) {
        _ = looksLikeSTUN(bytes)
        _ = STUNServerCore(knownAttributes: .all).respond(
            to: bytes.span, from: TransportAddress(.loopback(.v4), port: 1))
        guard let message = try? STUNMessage(bytes) else { return }
        if message.bytes != bytes || !looksLikeSTUN(bytes) { Issue.record("unstable: \(bytes)") }
        _ = (message.verifyIntegrity(key), message.verifyIntegrity(key, minimumLength: 0), message.fingerprint)
        _ = (message.method, message.messageClass, message.transactionID, message.description)
        _ = message.unknownRequiredAttributes(known: .stun)
        decodeEverything(message)
        var changed = message
        for attribute in message.attributes { changed.remove(type: attribute.type) }
        if changed.bytes.count != 20 { Issue.record("not emptied: \(bytes)") }
    }

    private func decodeEverything(_ message: STUNMessage) {
        _ = (message[STUNMessage.MappedAddress.self], message[STUNMessage.XORMappedAddress.self])
        _ = (message[STUNMessage.Username.self], message[STUNMessage.UserHash.self])
        _ = (message[STUNMessage.MessageIntegrity.self], message[STUNMessage.MessageIntegritySHA256.self])
        _ = (message[STUNMessage.ErrorCode.self], message[STUNMessage.Realm.self], message[STUNMessage.Nonce.self])
        _ = (message[STUNMessage.PasswordAlgorithms.self], message[STUNMessage.PasswordAlgorithm.self])
        _ = (message[STUNMessage.UnknownAttributes.self], message[STUNMessage.Software.self])
        _ = (message[STUNMessage.AlternateServer.self], message[STUNMessage.AlternateDomain.self])
        _ = (message[STUNMessage.Priority.self], message[STUNMessage.UseCandidate.self])
        _ = (message[STUNMessage.ICEControlled.self], message[STUNMessage.ICEControlling.self])
        _ = (message[STUNMessage.ChangeRequest.self], message[STUNMessage.Padding.self])
        _ = (message[STUNMessage.ResponsePort.self], message[STUNMessage.ChannelNumber.self])
        _ = (message[STUNMessage.Lifetime.self], message[STUNMessage.XORPeerAddress.self])
        _ = (message[STUNMessage.Data.self], message[STUNMessage.RequestedAddressFamily.self])
        _ = (message[STUNMessage.EvenPort.self], message[STUNMessage.RequestedTransport.self])
        _ = (message[STUNMessage.ReservationToken.self], message[STUNMessage.AddressErrorCode.self])
        _ = (message[STUNMessage.ICMP.self], message[STUNMessage.ConnectionID.self])
    }

    @Test("A message that is cut off anywhere is refused", arguments: Vectors.all)
    func truncations(name: String, vector: [UInt8]) {
        for count in 0..<vector.count {
            let cut = Array(vector.prefix(count))
            #expect(!looksLikeSTUN(cut))
            #expect(throws: STUNError.self) { try STUNMessage(cut) }
            examine(cut)
            // The same with a length that agrees, so that the attributes are what is cut.
            guard count >= 20, count % 4 == 0 else { continue }
            var agreeing = cut
            agreeing[2] = UInt8((count - 20) >> 8)
            agreeing[3] = UInt8((count - 20) & 0xff)
            examine(agreeing)
        }
        examine(vector)
    }

    @Test("Messages with random changes never crash, and are read as the bytes they are", arguments: Vectors.all)
    func mutations(name: String, vector: [UInt8]) {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of the mutations of \(name): \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4000 {
            var bytes = vector
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                // Most changes hit the types and lengths, which lie on words.
                let index =
                    Int.random(in: 0..<bytes.count / 4, using: &generator) * 4
                    + Int.random(in: 0...3, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes[index] = 0
                default: bytes[index] &+= 4
                }
            }
            bytes.replaceSubrange(4..<8, with: [0x21, 0x12, 0xa4, 0x42])
            bytes[0] &= 0x3f
            bytes[2] = UInt8((bytes.count - 20) >> 8)
            bytes[3] = UInt8((bytes.count - 20) & 0xff)
            examine(bytes)
        }
    }

    @Test("Random bytes behind a right header never crash")
    func noise() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of the noise: \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4000 {
            let words = Int.random(in: 0...20, using: &generator)
            var bytes = hexBytes("00010000 2112a442 0102030405060708090a0b0c")
            bytes[3] = UInt8(words * 4)
            for _ in 0..<words * 4 { bytes.append(UInt8.random(in: 0...40, using: &generator)) }
            examine(bytes)
        }
    }
}

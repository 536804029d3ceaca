import NetBase
import STUN
import Testing

@Suite("Message header")
struct HeaderTests {
    @Test("A1.2: every method with every class is written and read back, with the first two bits 0")
    func everyType() {
        var seen: Set<UInt16> = []
        for number in UInt16(0)...0xfff {
            for messageClass in STUNClass.allCases {
                let method = STUNMethod(rawValue: number)
                let message = STUNMessage(messageClass, method, transactionID: someID)
                if message.method != method || message.messageClass != messageClass {
                    Issue.record("\(number) \(messageClass)")
                }
                seen.insert(UInt16(message.bytes[0]) << 8 | UInt16(message.bytes[1]))
            }
        }
        #expect(seen.count == 4 * 4096)
        #expect(seen.allSatisfy { $0 & 0xc000 == 0 })
    }

    @Test(
        "A1.2: the types of known messages are those of the RFCs",
        arguments: [
            (STUNMethod.binding, STUNClass.request, UInt16(0x0001)), (.binding, .indication, 0x0011),
            (.binding, .success, 0x0101), (.binding, .failure, 0x0111), (.allocate, .request, 0x0003),
            (.allocate, .success, 0x0103), (.allocate, .failure, 0x0113), (.refresh, .request, 0x0004),
            (.send, .indication, 0x0016), (.data, .indication, 0x0017), (.createPermission, .request, 0x0008),
            (.channelBind, .failure, 0x0119), (.connect, .request, 0x000a), (.connectionBind, .success, 0x010b),
            (.connectionAttempt, .indication, 0x001c),
        ])
    func knownTypes(method: STUNMethod, messageClass: STUNClass, type: UInt16) {
        let bytes = STUNMessage(messageClass, method, transactionID: someID).bytes
        #expect(bytes == [UInt8(type >> 8), UInt8(type & 0xff)] + hexBytes("0000 2112a442 0102030405060708090a0b0c"))
    }

    @Test("Methods know the classes of their messages")
    func allowedClasses() {
        #expect(STUNClass.allCases.allSatisfy { STUNMethod.binding.allows($0) })
        #expect(STUNMethod.data.allows(.indication) && !STUNMethod.data.allows(.request))
        #expect(STUNMethod.allocate.allows(.failure) && !STUNMethod.allocate.allows(.indication))
        #expect(!STUNMethod(rawValue: 0x7ff).allows(.request))
    }

    @Test("A1.3: transaction IDs come from their generator, and differ when that is the system's")
    func transactionIDs() {
        var first = SeededGenerator(seed: 1)
        var second = SeededGenerator(seed: 1)
        #expect(STUNTransactionID(using: &first) == STUNTransactionID(using: &second))
        #expect(STUNTransactionID(using: &first) != STUNTransactionID(using: &first))
        #expect(STUNTransactionID() != STUNTransactionID())
        #expect("\(someID)" == "0102030405060708090a0b0c")
    }

    @Test(
        "A1.1, A1.6: bytes that are no STUN message are told, by the parser and by the demultiplexer",
        arguments: [
            ("", STUNError.Code.badLength), ("00010000 2112a442 0102030405060708090a0b", .badLength),
            ("00010000 2112a443 0102030405060708090a0b0c", .notSTUN),
            ("40010000 2112a442 0102030405060708090a0b0c", .notSTUN),
            ("80010000 2112a442 0102030405060708090a0b0c", .notSTUN),
            ("00010004 2112a442 0102030405060708090a0b0c", .badLength),
            ("00010003 2112a442 0102030405060708090a0b0c 000000", .badLength),
            ("00010000 2112a442 0102030405060708090a0b0c 80220000", .badLength),
        ])
    func badHeaders(hex: String, code: STUNError.Code) {
        #expect(throws: STUNError(code)) { try STUNMessage(hexBytes(hex)) }
        #expect(!looksLikeSTUN(hexBytes(hex)))
    }

    @Test(
        "A1.6: attributes that reach beyond the message make it malformed, though it looks like STUN",
        arguments: [
            "00010004 2112a442 0102030405060708090a0b0c 80220001",
            "00010008 2112a442 0102030405060708090a0b0c 80220005 41414141",
            "00010008 2112a442 0102030405060708090a0b0c 8022ffff 41414141",
            "00010008 2112a442 0102030405060708090a0b0c 80220000 80220001",
        ])
    func truncatedAttributes(hex: String) {
        #expect(looksLikeSTUN(hexBytes(hex)))
        #expect(throws: STUNError(.truncated)) { try STUNMessage(hexBytes(hex)) }
    }

    @Test("A description names types and lengths and no values")
    func description() {
        let request = bindingRequest([STUNMessage.Username("secret"), STUNMessage.UseCandidate()])
        #expect(request.description == "Binding request 0102030405060708090a0b0c [0x0006:6 0x0025:0]")
    }
}

@Suite("Attributes in messages")
struct MessageAttributeTests {
    @Test("A1.4: a 5-byte attribute has length 5 and three zeros behind it")
    func padding() {
        let bytes = bindingRequest([STUNMessage.Software("abcde")]).bytes
        #expect(bytes == hexBytes("0001000c 2112a442 0102030405060708090a0b0c 80220005 6162636465000000"))
    }

    @Test("A1.4: padding that is not zero is skipped, and integrity and fingerprint over it hold")
    func dirtyPadding() throws {
        let key = IntegrityKey(shortTermPassword: "secret")
        var dirty = bindingRequest([STUNMessage.Software("abcde")]).bytes
        dirty.replaceSubrange(29..<32, with: [0x20, 0xff, 0x01])
        var message = try STUNMessage(dirty)
        message.append(STUNMessage.Priority(7))
        message.appendIntegrity(key)
        message.appendFingerprint()
        let received = try STUNMessage(message.bytes)
        #expect(received.bytes[29] == 0x20)
        #expect(received[STUNMessage.Software.self]?.value == "abcde")
        #expect(received[STUNMessage.Priority.self]?.value == 7)
        #expect(received.verifyIntegrity(key) == .valid(.sha1))
        #expect(received.fingerprint == .valid)
    }

    @Test("A1.5: only the first of two equal attributes counts")
    func duplicates() {
        let message = bindingRequest([STUNMessage.Priority(1), STUNMessage.Priority(2)])
        #expect(message[STUNMessage.Priority.self]?.value == 1)
        #expect(message.attributes.count == 2)
    }

    @Test("A malformed attribute is nil by subscript, an error by decode, and does not let its repetition through")
    func malformed() throws {
        var message = bindingRequest()
        message.append(type: STUNMessage.Priority.type, value: [1, 2])
        message.append(STUNMessage.Priority(2))
        #expect(message[STUNMessage.Priority.self] == nil)
        #expect(throws: STUNError(.malformedAttribute, attributeType: 0x0024)) {
            try message.decode(STUNMessage.Priority.self)
        }
        #expect(try message.decode(STUNMessage.Username.self) == nil)
    }

    @Test("Removing takes every attribute of the type out and corrects the length")
    func removing() throws {
        var message = bindingRequest([
            STUNMessage.Software("abcde"), STUNMessage.Priority(1), STUNMessage.Software("x"),
            STUNMessage.UseCandidate(),
        ])
        message.remove(type: STUNMessage.Software.type)
        #expect(message == bindingRequest([STUNMessage.Priority(1), STUNMessage.UseCandidate()]))
        #expect(try STUNMessage(message.bytes) == message)
        message.remove(type: STUNMessage.Software.type)
        #expect(message.attributes.map(\.type) == [0x0024, 0x0025])
    }

    @Test("An attribute of an unknown type can be read raw, in place")
    func raw() {
        var message = bindingRequest()
        message.append(type: 0xc001, value: [9, 8, 7])
        #expect(message.attributes.map(\.type) == [0xc001])
        #expect(message.valueRange(ofType: 0xc001).map { Array(message.bytes[$0]) } == [9, 8, 7])
        #expect(message.contains(type: 0xc001) && !message.contains(type: 0xc002))
    }

    @Test("What does not fit into a message is refused and leaves it as it was")
    func overflow() {
        var message = bindingRequest()
        let fits = message.append(STUNMessage.Data([UInt8](repeating: 1, count: 65_528)))
        #expect(fits)
        #expect(message.bytes.count == 65_552)
        let full = message
        let fitsMore = message.append(STUNMessage.UseCandidate())
        #expect(!fitsMore)
        #expect(message == full)
        var other = bindingRequest()
        let fitsWhole = other.append(STUNMessage.Data([UInt8](repeating: 1, count: 70_000)))
        #expect(!fitsWhole)
        #expect(other == bindingRequest())
    }

    @Test(
        "A2.2: unknown attributes are listed once each, if they must be understood and stand in front of the integrity")
    func unknownRequired() {
        var message = bindingRequest([STUNMessage.Username("a")])
        for type: UInt16 in [0x7f01, 0x0041, 0xc123, 0x7f01, 0x003f] { message.append(type: type, value: [1]) }
        message.appendIntegrity(IntegrityKey(shortTermPassword: "p"))
        message.append(type: 0x7f02, value: [])
        #expect(message.unknownRequiredAttributes(known: .stun) == [0x7f01, 0x0041, 0x003f])
        #expect(message.unknownRequiredAttributes(known: STUNAttributeSet.stun.union([0x7f01, 0x3f])) == [0x0041])
    }
}

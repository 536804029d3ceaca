import NetBase
import STUN
import Testing

private let v4 = TransportAddress(IPAddress(v4: 0xc000_0201), port: 32853)
private let v6 = TransportAddress(
    IPAddress(v6High: 0x2001_0db8_1234_5678, low: 0x0011_2233_4455_6677), port: 32853)

private func value<A: STUNAttribute>(of attribute: A) -> [UInt8] {
    let message = bindingRequest([attribute])
    return message.valueRange(ofType: A.type).map { Array(message.bytes[$0]) } ?? []
}

private func decoded<A: STUNAttribute>(_ type: A.Type, _ value: [UInt8]) -> A? {
    var message = bindingRequest()
    message.append(type: A.type, value: value)
    return message[type]
}

/// An attribute, its type number and its value in hexadecimal digits.
struct AttributeSample: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let check: @Sendable () -> (type: UInt16, isRead: Bool, bytes: [UInt8])
    let type: UInt16
    let hex: String

    init<A: STUNAttribute & Hashable>(_ attribute: A, _ type: UInt16, _ hex: String) {
        testDescription = "\(A.self)"
        self.type = type
        self.hex = hex
        check = { (A.type, decoded(A.self, value(of: attribute)) == attribute, value(of: attribute)) }
    }
}

private let samples: [AttributeSample] = [
    // RFC 8489
    .init(STUNMessage.MappedAddress(v4), 0x0001, "00018055c0000201"),
    .init(STUNMessage.MappedAddress(v6), 0x0001, "00028055 20010db8123456780011223344556677"),
    .init(STUNMessage.XORMappedAddress(v4), 0x0020, "0001a147e112a643"),
    .init(STUNMessage.XORMappedAddress(v6), 0x0020, "0002a147 0113a9fa1336557c 0517253b4d5f6d7b"),
    .init(STUNMessage.Username("evtj:h6vY"), 0x0006, "6576746a3a68367659"),
    .init(STUNMessage.ErrorCode(code: 487, reason: "Role Conflict"), 0x0009, "00000457 526f6c6520436f6e666c696374"),
    .init(STUNMessage.ErrorCode(code: 300, reason: ""), 0x0009, "00000300"),
    .init(STUNMessage.ErrorCode(code: 699, reason: "é"), 0x0009, "00000663c3a9"),
    .init(STUNMessage.Realm("example.org"), 0x0014, "6578616d706c652e6f7267"),
    .init(STUNMessage.Nonce("n"), 0x0015, "6e"),
    .init(STUNMessage.PasswordAlgorithm(.sha256), 0x001d, "00020000"),
    .init(STUNMessage.PasswordAlgorithm(.init(rawValue: 9), parameters: [1, 2, 3]), 0x001d, "0009000301020300"),
    .init(
        STUNMessage.PasswordAlgorithms([.init(.init(rawValue: 9), parameters: [1]), .init(.sha256), .init(.md5)]),
        0x8002, "000900010100000000020000 00010000"),
    .init(STUNMessage.UnknownAttributes([0x7f01, 0x0041, 0x0002]), 0x000a, "7f0100410002"),
    .init(STUNMessage.UnknownAttributes([]), 0x000a, ""),
    .init(STUNMessage.Software("x 1"), 0x8022, "782031"),
    .init(STUNMessage.AlternateServer(v4), 0x8023, "00018055c0000201"),
    .init(STUNMessage.AlternateDomain("a.example"), 0x8003, "612e6578616d706c65"),
    .init(
        STUNMessage.MessageIntegrity([UInt8](repeating: 7, count: 20)), 0x0008,
        String(repeating: "07", count: 20)),
    .init(
        STUNMessage.MessageIntegritySHA256([UInt8](repeating: 7, count: 32)), 0x001c,
        String(repeating: "07", count: 32)),
    .init(STUNMessage.Fingerprint(0xdead_beef), 0x8028, "deadbeef"),
    // RFC 8445
    .init(STUNMessage.Priority(0x6e00_01ff), 0x0024, "6e0001ff"),
    .init(STUNMessage.UseCandidate(), 0x0025, ""),
    .init(STUNMessage.Nomination(0x0102_0304), 0xc001, "01020304"),
    .init(STUNMessage.NetworkInfo(id: 3, cost: 900), 0xc057, "00030384"),
    // RFC 7635
    .init(
        STUNMessage.ThirdPartyAuthorization("blackdow.carleon.gov"), 0x802e, "626c61636b646f772e6361726c656f6e2e676f76"),
    .init(STUNMessage.AccessToken([0, 12, 1, 2, 3]), 0x001b, "000c010203"),
    // RFC 8016
    .init(STUNMessage.MobilityTicket([1, 2, 3]), 0x8030, "010203"),
    .init(STUNMessage.MobilityTicket(), 0x8030, ""),
    .init(STUNMessage.ICEControlled(tieBreaker: 0x932f_f9b1_5126_3b36), 0x8029, "932ff9b151263b36"),
    .init(STUNMessage.ICEControlling(tieBreaker: 1), 0x802a, "0000000000000001"),
    // RFC 5780
    .init(STUNMessage.ChangeRequest(changesIP: true, changesPort: false), 0x0003, "00000004"),
    .init(STUNMessage.ChangeRequest(changesIP: false, changesPort: true), 0x0003, "00000002"),
    .init(STUNMessage.ChangeRequest(changesIP: true, changesPort: true), 0x0003, "00000006"),
    .init(STUNMessage.Padding([1, 2, 3, 4, 5]), 0x0026, "0102030405"),
    .init(STUNMessage.ResponsePort(0x1234), 0x0027, "12340000"),
    .init(STUNMessage.ResponseOrigin(v4), 0x802b, "00018055c0000201"),
    .init(STUNMessage.OtherAddress(v4), 0x802c, "00018055c0000201"),
    // RFC 8656 and RFC 6062
    .init(STUNMessage.ChannelNumber(0x4001), 0x000c, "40010000"),
    .init(STUNMessage.Lifetime(600), 0x000d, "00000258"),
    .init(STUNMessage.XORPeerAddress(v4), 0x0012, "0001a147e112a643"),
    .init(STUNMessage.Data([0xff, 0]), 0x0013, "ff00"),
    .init(STUNMessage.XORRelayedAddress(v4), 0x0016, "0001a147e112a643"),
    .init(STUNMessage.RequestedAddressFamily(.v6), 0x0017, "02000000"),
    .init(STUNMessage.EvenPort(reservesNextPort: true), 0x0018, "80"),
    .init(STUNMessage.EvenPort(reservesNextPort: false), 0x0018, "00"),
    .init(STUNMessage.RequestedTransport(17), 0x0019, "11000000"),
    .init(STUNMessage.DontFragment(), 0x001a, ""),
    .init(STUNMessage.ReservationToken(0x0102_0304_0506_0708), 0x0022, "0102030405060708"),
    .init(STUNMessage.ConnectionID(5), 0x002a, "00000005"),
    .init(STUNMessage.AdditionalAddressFamily(.v6), 0x8000, "02000000"),
    .init(STUNMessage.AddressErrorCode(family: .v6, code: 440, reason: "no"), 0x8001, "020004286e6f"),
    .init(STUNMessage.ICMP(icmpType: 3, icmpCode: 4, errorData: 1280), 0x8004, "0000030400000500"),
]

@Suite("Attributes")
struct AttributeTests {
    @Test("A1.7, A1.8: every attribute has the RFC's number and bytes, and is read back", arguments: samples)
    func samplesRoundTrip(sample: AttributeSample) {
        let result = sample.check()
        #expect(result.type == sample.type)
        #expect(result.bytes == hexBytes(sample.hex))
        #expect(result.isRead)
    }

    @Test("A7.3: the hash of a user has 32 bytes and the right ones")
    func userHash() throws {
        let hash = try #require(STUNMessage.UserHash(username: Vectors.katakana, realm: "example.org"))
        #expect(hash.value == hexBytes("4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704"))
        #expect(decoded(STUNMessage.UserHash.self, hash.value) == hash)
        #expect(decoded(STUNMessage.UserHash.self, Array(hash.value.dropLast())) == nil)
    }

    @Test("What a server writes for people steers no terminal")
    func controls() {
        let reason = "00000442" + "4e6f0000" + "1b5b326d" + "c29b" + "0a" + "c3a9"
        #expect(decoded(STUNMessage.ErrorCode.self, hexBytes(reason))?.reason == "No[2mé")
    }

    @Test("A1.7, A1.8: reserved bits are ignored")
    func reservedBits() {
        #expect(decoded(STUNMessage.MappedAddress.self, hexBytes("ff018055c0000201"))?.address == v4)
        #expect(decoded(STUNMessage.XORMappedAddress.self, hexBytes("8001a147e112a643"))?.address == v4)
        #expect(decoded(STUNMessage.ErrorCode.self, hexBytes("fffffc01"))?.code == 401)
        #expect(decoded(STUNMessage.ChannelNumber.self, hexBytes("4001ffff"))?.value == 0x4001)
        #expect(decoded(STUNMessage.RequestedTransport.self, hexBytes("11ffffff"))?.value == 17)
        #expect(decoded(STUNMessage.EvenPort.self, [0x7f])?.reservesNextPort == false)
        #expect(
            decoded(STUNMessage.ChangeRequest.self, hexBytes("fffffff9"))
                == .init(changesIP: false, changesPort: false))
    }

    @Test(
        "An address of another family or length is malformed",
        arguments: ["", "0001", "00018055c00002", "00028055c0000201", "00038055c0000201", "00018055c000020100"])
    func badAddresses(hex: String) {
        #expect(decoded(STUNMessage.XORMappedAddress.self, hexBytes(hex)) == nil)
    }

    @Test(
        "A1.8: an error code outside of 300 to 699 is malformed when read",
        arguments: ["", "000003", "00000200", "00000700", "00000364"])
    func badErrorCodes(hex: String) {
        #expect(decoded(STUNMessage.ErrorCode.self, hexBytes(hex)) == nil)
    }

    @Test("Our own error codes are brought into range")
    func ownErrorCodes() {
        #expect(STUNMessage.ErrorCode(code: 7, reason: "").code == 300)
        #expect(STUNMessage.ErrorCode(code: 1000, reason: "").code == 699)
    }

    @Test("A1.9: our own text is cut to the RFC's limits, between characters")
    func ownLimits() {
        #expect(STUNMessage.Username(String(repeating: "a", count: 600)).value.utf8.count == 508)
        #expect(STUNMessage.Username(String(repeating: "マ", count: 200)).value.utf8.count == 507)
        #expect(STUNMessage.Realm(String(repeating: "a", count: 600)).value.utf8.count == 127)
        #expect(STUNMessage.Nonce(String(repeating: "😀", count: 200)).value.utf8.count == 508)
        #expect(STUNMessage.Software(String(repeating: "é", count: 128)).value.utf8.count == 254)
        #expect(STUNMessage.ErrorCode(code: 400, reason: String(repeating: "a", count: 128)).reason.count == 127)
        #expect(STUNMessage.AlternateDomain(String(repeating: "a", count: 300)).value.utf8.count == 255)
    }

    @Test("A1.9: text of up to 763 bytes is read, and goes back as it came")
    func foreignLimits() throws {
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: 763)
        let nonce = try #require(decoded(STUNMessage.Nonce.self, long))
        #expect(value(of: nonce) == long)
        #expect(decoded(STUNMessage.Username.self, long)?.value.count == 763)
        #expect(decoded(STUNMessage.Realm.self, long)?.value.count == 763)
        #expect(decoded(STUNMessage.Software.self, long)?.value.count == 763)
        #expect(decoded(STUNMessage.ErrorCode.self, [0, 0, 4, 0] + long)?.reason.count == 763)
        #expect(decoded(STUNMessage.Username.self, long + [0x61]) == nil)
        #expect(decoded(STUNMessage.Nonce.self, long + [0x61]) == nil)
        #expect(decoded(STUNMessage.ThirdPartyAuthorization.self, long)?.value.count == 763)
        #expect(decoded(STUNMessage.ThirdPartyAuthorization.self, long + [0x61]) == nil)
        #expect(decoded(STUNMessage.Software.self, long + [0x61]) == nil)
        #expect(decoded(STUNMessage.ErrorCode.self, [0, 0, 4, 0] + long + [0x61]) == nil)
    }

    @Test("Text that is no UTF-8 is malformed where it must be exact, and repaired where people read it")
    func badText() {
        #expect(decoded(STUNMessage.Username.self, [0xff]) == nil)
        #expect(decoded(STUNMessage.Nonce.self, [0xff]) == nil)
        #expect(decoded(STUNMessage.ThirdPartyAuthorization.self, [0x61, 0xff]) == nil)
        #expect(decoded(STUNMessage.Software.self, [0x61, 0xff])?.value == "a\u{fffd}")
        #expect(decoded(STUNMessage.AlternateDomain.self, Array("é".utf8)) == nil)
        #expect(decoded(STUNMessage.AlternateDomain.self, []) == nil)
    }

    @Test("Lists that break off are malformed")
    func badLists() {
        #expect(decoded(STUNMessage.UnknownAttributes.self, [0, 1, 2]) == nil)
        #expect(decoded(STUNMessage.PasswordAlgorithms.self, [0, 1, 0]) == nil)
        #expect(decoded(STUNMessage.PasswordAlgorithms.self, [0, 1, 0, 5, 1, 2, 3, 4]) == nil)
        #expect(decoded(STUNMessage.PasswordAlgorithm.self, [0, 1, 0, 0, 0, 2, 0, 0]) == nil)
        #expect(decoded(STUNMessage.PasswordAlgorithms.self, [])?.value == [])
    }

    @Test("B3.6: a token has any content, and some")
    func tokens() {
        #expect(decoded(STUNMessage.AccessToken.self, []) == nil)
        #expect(decoded(STUNMessage.AccessToken.self, [0xff])?.value == [0xff])
        var message = STUNMessage(.request, .allocate, transactionID: STUNTransactionID(high: 1, low: 2))
        let before = message
        message.append(STUNMessage.AccessToken([UInt8](repeating: 1, count: 70_000)))
        #expect(message == before, "no message is as long as that")
    }

    @Test("The scope of a link-local address does not travel")
    func scopes() throws {
        let address = try #require(TransportAddress("[fe80::1%3]:80"))
        #expect(STUNMessage.XORMappedAddress(address).address == TransportAddress("[fe80::1]:80"))
    }
}

import NetBase
import STUN
import TURNCore
import Testing

@Suite("Send and Data indications")
struct IndicationTests {
    private static let id = STUNTransactionID(high: 0x0102_0304, low: 0x0506_0708_090a_0b0c)
    private static let peers = ["192.0.2.1:32853", "[2001:db8::7]:9"]

    @Test(
        "The TURN methods have their numbers, and only data travels in indications",
        arguments: [
            (STUNMethod.allocate, 3, false), (.refresh, 4, false), (.send, 6, true), (.data, 7, true),
            (.createPermission, 8, false), (.channelBind, 9, false),
        ] as [(STUNMethod, UInt16, Bool)])
    func methods(_ method: STUNMethod, _ number: UInt16, _ isIndication: Bool) {
        #expect(method.rawValue == number)
        #expect(method.allows(.indication) == isIndication)
        #expect(method.allows(.request) == !isIndication)
    }

    @Test(
        "A Send indication goes both ways", arguments: peers,
        [[], [1, 2, 3], Array(repeating: 7, count: 1200)] as [[UInt8]])
    func send(_ text: String, _ data: [UInt8]) throws {
        let peer = try #require(TransportAddress(text))
        for isDontFragment in [false, true] {
            let encoded = SendIndication.encode(
                data.span, to: peer, isDontFragment: isDontFragment, transactionID: Self.id)
            let message = try #require(encoded)
            let parsed = try STUNMessage(parsing: message.bytes.span)
            #expect(parsed == message)
            let indication = try #require(SendIndication(message))
            #expect(indication.peer == peer)
            #expect(Array(message.bytes[indication.payload]) == data)
            #expect(indication.isDontFragment == isDontFragment)
            #expect(DataIndication(message) == nil)
        }
    }

    @Test("A Send indication has the bytes that RFC 8656 asks for")
    func sendBytes() throws {
        let peer = try #require(TransportAddress("192.0.2.1:32853"))
        let data = [0xaa] as [UInt8]
        let encoded = SendIndication.encode(data.span, to: peer, transactionID: Self.id)
        let message = try #require(encoded)
        #expect(
            message.bytes == [
                0x00, 0x16, 0x00, 0x14, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                0x00, 0x12, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
                0x00, 0x13, 0x00, 0x01, 0xaa, 0x00, 0x00, 0x00,
            ])
    }

    @Test("A Data indication goes both ways", arguments: peers, [[], [1, 2, 3]] as [[UInt8]])
    func data(_ text: String, _ data: [UInt8]) throws {
        let peer = try #require(TransportAddress(text))
        let encoded = DataIndication.encode(data.span, from: peer, transactionID: Self.id)
        let message = try #require(encoded)
        let indication = try #require(DataIndication(message))
        #expect(indication.peer == peer)
        guard case .data(let payload) = indication.content else {
            Issue.record("\(indication.content)")
            return
        }
        #expect(Array(message.bytes[payload]) == data)
        #expect(SendIndication(message) == nil)
    }

    @Test(
        "An ICMP error is a fault of the peer's, with the MTU where that is the fault",
        arguments: [
            ("192.0.2.1:0", 3, 4, 1400, 1400), ("192.0.2.1:5", 3, 1, 0, nil), ("192.0.2.1:5", 2, 0, 1280, nil),
            ("192.0.2.1:5", 11, 0, 0, nil), ("[2001:db8::7]:5", 2, 0, 1280, 1280), ("[2001:db8::7]:5", 3, 4, 9, nil),
            ("[2001:db8::7]:5", 1, 4, 0, nil),
        ] as [(String, UInt8, UInt8, UInt32, Int?)])
    func icmp(_ text: String, _ type: UInt8, _ code: UInt8, _ errorData: UInt32, _ mtu: Int?) throws {
        let peer = try #require(TransportAddress(text))
        let icmp = STUNMessage.ICMP(icmpType: type, icmpCode: code, errorData: errorData)
        let indication = try #require(DataIndication(DataIndication.encode(icmp, from: peer, transactionID: Self.id)))
        #expect(indication.peer == peer)
        guard case .icmp(let error) = indication.content else {
            Issue.record("\(indication.content)")
            return
        }
        #expect(error.icmpType == type)
        #expect(error.icmpCode == code)
        #expect(error.maximumTransmissionUnit == mtu)
    }

    @Test("Indications that lack what they need, or that are something else, are dropped")
    func dropping() throws {
        let peer = STUNMessage.XORPeerAddress(try #require(TransportAddress("192.0.2.1:5")))
        func message(
            _ messageClass: STUNClass, _ method: STUNMethod, _ build: (inout STUNMessage) -> Void
        ) -> STUNMessage {
            var message = STUNMessage(messageClass, method, transactionID: Self.id)
            build(&message)
            return message
        }
        for method in [STUNMethod.send, .data] {
            let complete = message(.indication, method) {
                $0.append(peer); $0.append(STUNMessage.Data([1]))
            }
            #expect((SendIndication(complete) != nil) == (method == .send))
            #expect((DataIndication(complete) != nil) == (method == .data))
            let bad = [
                message(.indication, method) { $0.append(STUNMessage.Data([1])) },
                message(.indication, method) { $0.append(peer) },
                message(.request, method) {
                    $0.append(peer); $0.append(STUNMessage.Data([1]))
                },
                message(.indication, method) {
                    $0.append(type: STUNMessage.XORPeerAddress.type, value: [0, 1, 2])
                    $0.append(STUNMessage.Data([1]))
                },
                message(.indication, method) {
                    $0.append(peer)
                    $0.append(STUNMessage.Data([1]))
                    $0.append(type: 0x7abc, value: [])
                },
            ]
            for message in bad {
                #expect(SendIndication(message) == nil)
                #expect(DataIndication(message) == nil)
            }
        }
    }

    @Test("Data that no STUN message can hold is refused")
    func tooLong() throws {
        let peer = try #require(TransportAddress("192.0.2.1:5"))
        let data = [UInt8](repeating: 0, count: 65530)
        #expect(SendIndication.encode(data.span, to: peer, transactionID: Self.id) == nil)
        #expect(DataIndication.encode(data.span, from: peer, transactionID: Self.id) == nil)
    }
}

import NetBase
import TURNCore
import Testing

@Suite("ChannelData messages")
struct ChannelDataTests {
    @Test(
        "Only 0x4000 to 0x4FFF are channels",
        arguments: [
            (0x0000, false), (0x3fff, false), (0x4000, true), (0x4fff, true), (0x5000, false), (0x7ffe, false),
            (0xffff, false),
        ] as [(UInt16, Bool)])
    func numbers(_ number: UInt16, _ isChannel: Bool) {
        #expect((ChannelNumber(rawValue: number) != nil) == isChannel)
    }

    @Test(
        "H31: a datagram is written without padding and a stream's message with it, and neither counts it",
        arguments: [
            ([], [0x40, 0x01, 0, 0], 0), ([1], [0x40, 0x01, 0, 1, 1], 3), ([1, 2], [0x40, 0x01, 0, 2, 1, 2], 2),
            ([1, 2, 3], [0x40, 0x01, 0, 3, 1, 2, 3], 1), ([1, 2, 3, 4], [0x40, 0x01, 0, 4, 1, 2, 3, 4], 0),
        ] as [([UInt8], [UInt8], Int)])
    func encoding(_ data: [UInt8], _ datagram: [UInt8], _ padding: Int) throws {
        let channel = try #require(ChannelNumber(rawValue: 0x4001))
        #expect(ChannelData.encodeDatagram(data.span, on: channel) == datagram)
        #expect(ChannelData.encodeStream(data.span, on: channel) == datagram + [UInt8](repeating: 0, count: padding))
    }

    @Test("65535 bytes fit and one more does not")
    func longest() throws {
        let channel = try #require(ChannelNumber(rawValue: 0x4000))
        let most = [UInt8](repeating: 7, count: 65535)
        let tooMany = most + [7]
        #expect(ChannelData.encodeStream(most.span, on: channel)?.count == 65540)
        #expect(ChannelData.encodeDatagram(tooMany.span, on: channel) == nil)
        #expect(ChannelData.encodeStream(tooMany.span, on: channel) == nil)
    }

    @Test(
        "A datagram is read with or without padding",
        arguments: [
            ([0x40, 0x00, 0, 0], 4..<4), ([0x40, 0x00, 0, 0, 9, 9, 9], 4..<4), ([0x4f, 0xff, 0, 2, 1, 2], 4..<6),
            ([0x4f, 0xff, 0, 2, 1, 2, 0, 0], 4..<6),
        ] as [([UInt8], Range<Int>)])
    func reading(_ datagram: [UInt8], _ payload: Range<Int>) throws {
        let parsed = ChannelData(datagram: datagram.span)
        let message = try #require(parsed)
        #expect(message.payload == payload)
        #expect(message.channel.rawValue == UInt16(datagram[0]) << 8 | UInt16(datagram[1]))
    }

    @Test(
        "A datagram that is shorter than it claims, or on a reserved number, is dropped",
        arguments: [
            [], [0x40], [0x40, 0, 0], [0x40, 0, 0, 1], [0x40, 0, 0, 3, 1, 2], [0x40, 0, 0xff, 0xff, 1],
            [0x50, 0, 0, 0], [0x7f, 0xfe, 0, 0], [0x3f, 0xff, 0, 0], [0x80, 0, 0, 0],
        ] as [[UInt8]])
    func dropping(_ datagram: [UInt8]) {
        #expect(ChannelData(datagram: datagram.span) == nil)
    }
}

import NetBase
import STUN
import TURNCore
import Testing

@Suite("STUN and ChannelData in one stream")
struct TURNStreamDecoderTests {
    struct Piece: Hashable {
        let frame: TURNStreamDecoder.Frame
        let bytes: [UInt8]
    }

    private static func decode(
        _ stream: [UInt8], chunk: Int, with decoder: inout TURNStreamDecoder
    ) throws -> [Piece] {
        var pieces: [Piece] = []
        for start in stride(from: 0, to: stream.count, by: chunk) {
            let part = Array(stream[start..<min(start + chunk, stream.count)])
            try decoder.receive(part.span) { frame, bytes in
                pieces.append(Piece(frame: frame, bytes: [UInt8](copying: bytes)))
            }
        }
        return pieces
    }

    private static func mixture() throws -> (stream: [UInt8], pieces: [Piece]) {
        let channel = try #require(ChannelNumber(rawValue: 0x4abc))
        var message = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 1, low: 2))
        message.append(STUNMessage.Software("test"))
        let short = STUNMessage(.indication, .binding, transactionID: STUNTransactionID(high: 3, low: 4))
        var stream: [UInt8] = []
        var pieces: [Piece] = []
        for data in [[], [1], [1, 2, 3, 4], Array(repeating: 5, count: 1201)] as [[UInt8]] {
            let framed = ChannelData.encodeStream(data.span, on: channel)
            stream += try #require(framed)
            pieces.append(Piece(frame: .channelData(channel), bytes: data))
            for message in [message, short] {
                stream += message.bytes
                pieces.append(Piece(frame: .stunMessage, bytes: message.bytes))
            }
            // A reserved number, whose message is left out.
            stream += [0x50, 0, 0, 2, 1, 2, 0, 0]
        }
        return (stream, pieces)
    }

    @Test(
        "H30: the frames are the same wherever the stream is split",
        arguments: Array(1...40) + [1000, 1 << 20])
    func splits(_ chunk: Int) throws {
        let (stream, pieces) = try Self.mixture()
        var decoder = TURNStreamDecoder()
        #expect(try Self.decode(stream, chunk: chunk, with: &decoder) == pieces)
        #expect(decoder.bufferedByteCount == 0)
    }

    @Test("What waits is the unfinished frame only, padding included")
    func buffering() throws {
        let (stream, pieces) = try Self.mixture()
        var decoder = TURNStreamDecoder()
        #expect(try Self.decode(stream + [0x40, 0, 0, 1, 9], chunk: 1 << 20, with: &decoder) == pieces)
        #expect(decoder.bufferedByteCount == 5)
        let rest = try Self.decode([0, 0, 0], chunk: 1, with: &decoder)
        #expect(rest.map(\.bytes) == [[9]])
        #expect(decoder.bufferedByteCount == 0)
    }

    @Test("The longest frames fit")
    func longest() throws {
        let channel = try #require(ChannelNumber(rawValue: 0x4000))
        let data = [UInt8](repeating: 1, count: 65535)
        let framed = ChannelData.encodeStream(data.span, on: channel)
        let stream = try #require(framed)
        var decoder = TURNStreamDecoder()
        #expect(
            try Self.decode(stream, chunk: 1400, with: &decoder) == [Piece(frame: .channelData(channel), bytes: data)])
    }

    @Test(
        "A stream that holds something else is lost for good, behind the frames in front",
        arguments: [
            [0x80], [0xff, 0, 0, 0], [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43], [0, 1, 0, 2, 0x21, 0x12, 0xa4, 0x42],
            Array("\u{16}HTTP/1.1".utf8),
        ] as [[UInt8]], [1, 100])
    func lost(_ garbage: [UInt8], _ chunk: Int) throws {
        var decoder = TURNStreamDecoder()
        var frames = 0
        let stream = [0x40, 0, 0, 0] + garbage
        #expect(throws: TURNStreamDecoder.LostFraming.self) {
            for start in stride(from: 0, to: stream.count, by: chunk) {
                let part = Array(stream[start..<min(start + chunk, stream.count)])
                try decoder.receive(part.span) { _, _ in frames += 1 }
            }
        }
        #expect(frames == 1)
        #expect(throws: TURNStreamDecoder.LostFraming.self) {
            let good = [0x40, 0, 0, 0] as [UInt8]
            try decoder.receive(good.span) { _, _ in frames += 1 }
        }
        #expect(frames == 1)
        #expect(decoder.bufferedByteCount == 0)
    }
}

import NetBase
import STUN
import Testing

private func messages(_ decoder: inout STUNStreamDecoder, _ bytes: [UInt8]) throws -> [STUNMessage] {
    var offset = 0
    var result: [STUNMessage] = []
    while let message = try decoder.next(in: bytes.span, from: &offset) { result.append(message) }
    #expect(offset == bytes.count)
    return result
}

@Suite("Stream decoder")
struct StreamDecoderTests {
    private let stream = Vectors.all.flatMap(\.1)
    private var expected: [[UInt8]] { Vectors.all.map(\.1) }

    @Test(
        "A6.4: messages come out whole, however the bytes are cut",
        arguments: [1, 2, 3, 7, 19, 20, 21, 64, 107, 108, 109, 500])
    func cuts(size: Int) throws {
        var decoder = STUNStreamDecoder()
        var result: [STUNMessage] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            result += try messages(&decoder, Array(stream[start..<min(start + size, stream.count)]))
        }
        #expect(result.map(\.bytes) == expected)
        #expect(decoder.bufferedByteCount == 0)
    }

    @Test("A6.4: many messages in one read come out in order, and an incomplete one waits")
    func many() throws {
        var decoder = STUNStreamDecoder()
        #expect(try messages(&decoder, stream + stream + stream.prefix(30)).map(\.bytes) == expected + expected)
        #expect(decoder.bufferedByteCount == 30)
        #expect(try messages(&decoder, Array(stream.dropFirst(30))).map(\.bytes) == expected)
    }

    @Test("An empty read brings nothing")
    func empty() throws {
        var decoder = STUNStreamDecoder()
        #expect(try messages(&decoder, []) == [])
    }

    @Test("A message without attributes comes out at its last byte")
    func headerOnly() throws {
        var decoder = STUNStreamDecoder()
        let bytes = bindingRequest().bytes
        #expect(try messages(&decoder, Array(bytes.prefix(19))) == [])
        #expect(try messages(&decoder, [bytes[19]]) == [bindingRequest()])
    }

    @Test("A message with broken attributes is passed over, whole or in pieces", arguments: [1, 1000])
    func brokenAttributes(size: Int) throws {
        let broken = hexBytes("00010004 2112a442 0102030405060708090a0b0c 80220001")
        let bytes = broken + bindingRequest().bytes + broken
        var decoder = STUNStreamDecoder()
        var result: [STUNMessage] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            result += try messages(&decoder, Array(bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(result == [bindingRequest()])
    }

    @Test(
        "What is no STUN ends the stream as soon as a header's worth has come",
        arguments: [
            ("474554202f20485454502f312e310d0a0d0a0d0a", STUNError.Code.notSTUN),
            ("00010003 2112a442 0102030405060708090a0b0c", .badLength),
            ("00010400 2112a442 0102030405060708090a0b0c", .tooLong),
        ], [1, 20])
    func noSTUN(sample: (hex: String, code: STUNError.Code), size: Int) throws {
        var decoder = STUNStreamDecoder(maximumLength: 1000)
        let bytes = hexBytes(sample.hex)
        for start in stride(from: 0, to: 20 - size, by: size) {
            #expect(try messages(&decoder, Array(bytes[start..<start + size])) == [])
        }
        #expect(throws: STUNError(sample.code)) { try messages(&decoder, Array(bytes[(20 - size)...])) }
        #expect(decoder.bufferedByteCount <= 20)
    }
}

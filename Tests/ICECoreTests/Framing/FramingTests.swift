import NetBase
import Testing

@testable import ICECore

/// A decoder and what came out of it.
private struct Receiver {
    var decoder = FrameDecoder()
    var datagrams: [[UInt8]] = []
    var inPlaceCount = 0

    mutating func receive(_ bytes: [UInt8]) throws {
        var offset = 0
        while let datagram = try decoder.next(in: bytes.span, from: &offset) {
            switch datagram {
            case .inPlace(let range):
                datagrams.append(Array(bytes[range]))
                inPlaceCount += 1
            case .assembled(let buffer):
                datagrams.append(buffer)
                decoder.reuse(buffer)
            }
        }
    }
}

@Suite("Datagrams framed on a connection (RFC 4571)")
struct FramingTests {
    private static func frames(_ datagrams: [[UInt8]]) -> [UInt8] {
        datagrams.flatMap { [UInt8($0.count >> 8), UInt8(truncatingIfNeeded: $0.count)] + $0 }
    }

    private static func datagram(_ count: Int, from first: UInt8 = 0) -> [UInt8] {
        (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) }
    }

    @Test("E4.2: a length of 16 bits in network order goes in front of a datagram")
    func encoding() {
        var encoder = FrameEncoder()
        #expect(encoder.header(for: 1) == [0, 1])
        #expect(encoder.header(for: 0x1234) == [0x12, 0x34])
        #expect(encoder.header(for: 65_535) == [0xff, 0xff])
        let datagrams: [[UInt8]] = [[7, 8, 9], [], [1]]
        for datagram in datagrams { encoder.append(datagram.span) }
        #expect(encoder.frames == [0, 3, 7, 8, 9, 0, 1, 1])
        encoder.removeAll()
        #expect(encoder.frames.isEmpty)
        for datagram in datagrams[2...] { encoder.append(datagram.span) }
        #expect(encoder.frames == [0, 1, 1])
    }

    @Test("E4.2: frames come out whole wherever the stream is split, null packets not at all")
    func everySplit() throws {
        let datagrams = [
            Self.datagram(20), [], Self.datagram(1), Self.datagram(300, from: 9), [], [], Self.datagram(2),
        ]
        let stream = Self.frames(datagrams)
        for split in 0...stream.count {
            for second in split...min(split + 3, stream.count) {
                var receiver = Receiver()
                for part in [stream[..<split], stream[split..<second], stream[second...]] {
                    try receiver.receive(Array(part))
                }
                #expect(receiver.datagrams == datagrams.filter { !$0.isEmpty }, "split at \(split) and \(second)")
                #expect(receiver.decoder.bufferedByteCount == 0)
            }
        }
    }

    @Test("Frames that lie in one piece are taken where they lie; one that does not is put together")
    func inPlace() throws {
        let datagrams = (1...40).map { Self.datagram(1200, from: $0) }
        let stream = Self.frames(datagrams)
        var receiver = Receiver()
        try receiver.receive(stream)
        #expect(receiver.datagrams == datagrams)
        #expect(receiver.inPlaceCount == 40)

        receiver = Receiver()
        try receiver.receive(Array(stream[..<30_000]))
        try receiver.receive(Array(stream[30_000...]))
        #expect(receiver.datagrams == datagrams)
        #expect(receiver.inPlaceCount == 39)
    }

    @Test("A stream of any frames, cut anywhere, comes out as it went in")
    func randomSplits() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let lengths = [0, 1, 2, 100, 1200, 1500, 9000, 65_535]
        for _ in 0..<40 {
            let datagrams = (0..<12).map { index in
                Self.datagram(lengths.randomElement(using: &generator) ?? 0, from: UInt8(index))
            }
            let stream = Self.frames(datagrams)
            var receiver = Receiver()
            var position = 0
            while position < stream.count {
                let most = [1, 3, 1460, 65_536].randomElement(using: &generator) ?? 1
                let end = min(stream.count, position + Int.random(in: 1...most, using: &generator))
                try receiver.receive(Array(stream[position..<end]))
                position = end
            }
            #expect(receiver.datagrams == datagrams.filter { !$0.isEmpty }, "seed \(seed)")
            #expect(receiver.decoder.bufferedByteCount == 0, "seed \(seed)")
        }
    }

    @Test("What is kept is the beginning of one frame, however long it says it is")
    func memory() throws {
        var receiver = Receiver()
        try receiver.receive([0xff])
        #expect(receiver.decoder.bufferedByteCount == 1)
        try receiver.receive([0xff])
        #expect(receiver.decoder.bufferedByteCount == 2)
        try receiver.receive([UInt8](repeating: 1, count: 1000))
        #expect(receiver.decoder.bufferedByteCount == 1002)
        try receiver.receive([UInt8](repeating: 1, count: 64_534))
        #expect(receiver.decoder.bufferedByteCount == 65_536)
        try receiver.receive([1, 0, 1])
        #expect(receiver.datagrams.map(\.count) == [65_535])
        #expect(receiver.decoder.bufferedByteCount == 2)
    }

    @Test("A frame above the limit is an error as soon as its length is there, behind the frames in front of it")
    func limit() throws {
        var receiver = Receiver(decoder: FrameDecoder(lengthLimit: 1500))
        let error = #expect(throws: FrameDecoder.TooLong.self) {
            try receiver.receive(Self.frames([Self.datagram(1500)]) + [0x05, 0xdd])
        }
        #expect(error?.length == 1501)
        #expect(receiver.datagrams.map(\.count) == [1500])
    }

    @Test("The limit may change between two frames of one piece")
    func limitChanges() throws {
        let stream = Self.frames([Self.datagram(20), Self.datagram(4000)])
        var decoder = FrameDecoder(lengthLimit: 1500)
        var offset = 0
        #expect(try decoder.next(in: stream.span, from: &offset) == .inPlace(2..<22))
        decoder.lengthLimit = 65_535
        #expect(try decoder.next(in: stream.span, from: &offset) == .inPlace(24..<4024))
        #expect(try decoder.next(in: stream.span, from: &offset) == nil)
        #expect(offset == stream.count)
    }
}

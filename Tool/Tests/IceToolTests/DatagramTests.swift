import Testing

@testable import IceTool

struct DatagramTests {
    private static let receipt = Datagram.Receipt(
        highest: 7, packets: 0xffff_fffe, bytes: 1 << 40, microseconds: 5_000_000, isFinal: true)

    @Test(
        "What is written is read again",
        arguments: [
            .ping(1), .pong(0xdead_beef), .load(3), .receipt(receipt), .receipt(Datagram.Receipt()),
            .loadEnded(sent: 9), .done,
            .bye,
        ] as [Datagram])
    func roundTrip(datagram: Datagram) {
        #expect(Datagram(datagram.bytes().span) == datagram)
        #expect(Datagram(datagram.bytes(size: 1200).span) == datagram)
    }

    @Test("A datagram is filled up to its size")
    func size() {
        #expect(Datagram.load(1).bytes(size: 1200).count == 1200)
        #expect(Datagram.ping(1).bytes(size: 2).count == 6)
    }

    @Test(
        "Nothing shorter is read, and nothing else",
        arguments: [
            [], [0xc9], [0x00, 6], [0xc9, 0], [0xc9, 8, 0, 0, 0, 0], [0xc9, 1, 0, 0, 0],
            Array(Datagram.receipt(receipt).bytes().dropLast()),
        ] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        #expect(Datagram(bytes.span) == nil)
    }
}

import ICE
import Testing

@testable import IceTool

struct LoadReceiverTests {
    @Test("What was sent is told by the greatest number that came")
    func sent() {
        var receiver = LoadReceiver()
        #expect(receiver.sent == 0)
        _ = receiver.take(9, byteCount: 1200, at: Instant(nanoseconds: 0))
        _ = receiver.take(3, byteCount: 1200, at: Instant(nanoseconds: 1000))
        #expect(receiver.sent == 10)
        #expect(receiver.receipt.packets == 2 && receiver.receipt.bytes == 2400)
    }

    @Test("The last number there is says nothing")
    func lastNumber() {
        var receiver = LoadReceiver()
        _ = receiver.take(.max, byteCount: 1200, at: Instant(nanoseconds: 0))
        #expect(receiver.sent == 0 && receiver.receipt == Datagram.Receipt())
        _ = receiver.take(.max - 1, byteCount: 1200, at: Instant(nanoseconds: 0))
        #expect(receiver.sent == .max)
    }
}

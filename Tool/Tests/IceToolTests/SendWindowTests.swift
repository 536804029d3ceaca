import ICE
import Testing

@testable import IceTool

struct SendWindowTests {
    private var start: Instant { Instant(nanoseconds: 0) }

    private func fill(_ window: inout SendWindow) {
        while window.maySend { _ = window.next() }
    }

    @Test("No more is under way than the window allows, and as much again once it arrived")
    func growth() {
        var window = SendWindow(at: start)
        fill(&window)
        #expect(window.sent == 16)
        window.hear(Datagram.Receipt(highest: 15, packets: 16), at: start)
        #expect(window.limit == 32)
        fill(&window)
        #expect(window.sent == 48)
    }

    @Test("Loss makes it smaller, once for all that was under way")
    func loss() {
        var window = SendWindow(at: start)
        fill(&window)
        window.hear(Datagram.Receipt(highest: 15, packets: 16), at: start)
        fill(&window)
        window.hear(Datagram.Receipt(highest: 30, packets: 30), at: start)
        let cut = window.limit
        #expect(cut < 32)
        window.hear(Datagram.Receipt(highest: 40, packets: 39), at: start)
        #expect(window.limit == cut)
    }

    @Test("Silence counts all that is under way as lost")
    func silence() {
        var window = SendWindow(at: start)
        fill(&window)
        window.advance(to: start + .milliseconds(299), silence: .milliseconds(300))
        #expect(!window.maySend)
        window.advance(to: start + .milliseconds(300), silence: .milliseconds(300))
        #expect(window.maySend)
    }

    @Test("What the socket did not take is sent under the same number")
    func takenBack() {
        var window = SendWindow(at: start)
        #expect(window.next() == 0)
        window.takeBack()
        #expect(window.next() == 0)
    }

    @Test("Receipts for what was never sent, and old ones, change nothing")
    func nonsense() {
        var window = SendWindow(at: start)
        fill(&window)
        let limit = window.limit
        window.hear(Datagram.Receipt(highest: 16, packets: 17), at: start)
        window.hear(Datagram.Receipt(), at: start)
        #expect(window.limit == limit)
        #expect(!window.maySend)
    }

    @Test("A receipt is due for every few datagrams, and a last one as often as it is asked for")
    func receipts() {
        var receiver = LoadReceiver()
        let receipts = (0..<8).compactMap {
            receiver.take($0, byteCount: 1000, at: start + .milliseconds(Int($0)))
        }
        #expect(receipts.map(\.packets) == [4, 8])
        #expect(receiver.pending() == nil)
        let last = receiver.end()
        #expect(last.isFinal && last.bytes == 8000 && last.microseconds == 7000)
        #expect(receiver.end() == last)
        #expect(receiver.take(8, byteCount: 1000, at: start) == nil)
    }
}

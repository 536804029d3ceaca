import ICE
import Testing

@testable import IceTool

struct SendWindowTests {
    private var start: Instant { Instant(nanoseconds: 0) }

    private func fill(_ window: inout SendWindow) {
        while window.maySend { _ = window.next(at: start) }
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

    @Test("Much loss makes it smaller, once for all that was under way")
    func loss() {
        var window = SendWindow(at: start)
        for _ in 0..<3 {
            fill(&window)
            window.hear(Datagram.Receipt(highest: window.sent - 1, packets: window.sent), at: start)
        }
        fill(&window)
        let (limit, sent) = (window.limit, window.sent)
        #expect((limit, sent) == (128, 240))
        window.hear(Datagram.Receipt(highest: sent - 1, packets: sent - 20), at: start)
        #expect(window.limit < limit * 2)
        let cut = window.limit
        fill(&window)
        window.hear(Datagram.Receipt(highest: sent + 20, packets: sent - 10), at: start)
        #expect(window.limit > cut)
    }

    @Test("A little loss is borne")
    func bearableLoss() {
        var window = SendWindow(at: start)
        for _ in 0..<4 {
            fill(&window)
            let arrived = window.sent
            window.hear(Datagram.Receipt(highest: arrived - 1, packets: arrived - arrived / 50), at: start)
        }
        #expect(window.limit == 256)
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

    @Test("Before anything is sent there is nothing to hear, however long that is")
    func idleness() {
        var window = SendWindow(at: start)
        let later = start + .seconds(60)
        _ = window.next(at: later)
        window.advance(to: later, silence: .milliseconds(300))
        window.hear(Datagram.Receipt(highest: 0, packets: 1), at: later)
        #expect(window.limit == 17)
    }

    @Test("What the socket did not take is sent under the same number")
    func takenBack() {
        var window = SendWindow(at: start)
        #expect(window.next(at: start) == 0)
        window.takeBack()
        #expect(window.next(at: start) == 0)
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

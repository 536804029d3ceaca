import Foundation
import ICE

/// How one side's line gets to the other, and the other's here.
protocol Signalling: AnyObject {
    /// Hands this side's line over, and begins to wait for the other's.
    func publish(_ line: String) throws(Unpublished)
    /// A line came that may be the other side's; nil when none will come any more.
    var onLine: ((String?) -> Void)? { get set }
    /// The folder that it goes through; nil where people carry it.
    var place: String? { get }
    /// The line that came was taken: no other is wanted.
    func accept()
    func close()
}

/// Why this side's line does not get to the other side.
struct Unpublished: Error {
    let fault: Fault
}

/// People carry the lines: ours is on the screen, theirs is pasted into standard input.
final class PastedLines: Signalling {
    var onLine: ((String?) -> Void)?
    let place: String? = nil
    private let input: Mailbox<String?>

    init(on loop: EventLoop) throws(NetworkError) {
        input = try Mailbox<String?>(on: loop)
    }

    func publish(_ line: String) {
        input.onMessage = { [unowned self] line in onLine?(line) }
        let sender = input.sender
        Thread.detachNewThread {
            while let line = readLine() { sender.send(line) }
            sender.send(nil)
        }
    }

    func accept() { input.close() }

    func close() {
        input.close()
        onLine = nil
    }
}

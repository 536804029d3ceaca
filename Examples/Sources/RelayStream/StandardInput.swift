import Dispatch
import Foundation
import ICE

/// Standard input, read by a thread of its own, one piece at a time: the next one when the connection has taken the one before.
final class StandardInput {
    private let mailbox: Mailbox<[UInt8]>
    private let isWanted = DispatchSemaphore(value: 0)
    private var piece: [UInt8] = []
    private var take: (([UInt8]) -> Bool)?

    init(on loop: EventLoop) throws {
        mailbox = try Mailbox(on: loop)
        mailbox.onMessage = { [unowned self] bytes in
            piece = bytes
            goOn()
        }
    }

    /// Begins to read; whoever takes the pieces says whether there was room.
    func start(_ take: @escaping ([UInt8]) -> Bool) {
        self.take = take
        let (sender, isWanted) = (mailbox.sender, isWanted)
        Thread.detachNewThread {
            while case let data = FileHandle.standardInput.availableData, !data.isEmpty {
                sender.send([UInt8](data))
                isWanted.wait()
            }
        }
    }

    /// There may be room for the piece that waits.
    func goOn() {
        guard !piece.isEmpty, take?(piece) == true else { return }
        piece = []
        isWanted.signal()
    }
}

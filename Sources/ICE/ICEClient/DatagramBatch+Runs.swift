import NetBase
import STUN

extension DatagramBatch {
    /// The end of the run of datagrams that begins at an index and in which none but the first may look like STUN: what is handed on in
    /// one piece.
    func endOfRun(from first: Int) -> Int {
        var end = first + 1
        while end < count, !STUNMessage.looksLikeSTUN(self[end]) { end += 1 }
        return end
    }
}

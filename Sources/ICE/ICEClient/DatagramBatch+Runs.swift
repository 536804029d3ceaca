import NetBase
import STUN

extension DatagramBatch {
    /// The end of the run of datagrams that begins at an index and in which none but the first may look like STUN: what is handed on in
    /// one piece.
    func endOfRun(from first: Int) -> Int {
        var end = first + 1
        // The first two bits tell for most (RFC 7983).
        while end < count, bytes[end * datagramSize] & 0xc0 != 0 || !STUNMessage.looksLikeSTUN(self[end]) { end += 1 }
        return end
    }
}

import CDatagram
import CLibUV
public import NetBase

// Several datagrams in one system call.
extension UDPSocket {
    /// Hands datagrams to one destination to the system at once, in their order, with as few system calls as it allows.
    ///
    /// - Returns: How many of them the system took; what it has no room for is the caller's to send again, see ``onWritable``.
    /// - Throws: What ``send(_:to:)`` throws, where it did not take the first.
    @discardableResult
    public func send(contentsOf datagrams: [[UInt8]], to destination: TransportAddress) throws(NetworkError) -> Int {
        var taken = 0
        while taken < datagrams.count {
            let count = Self.batchSize(of: datagrams[taken].count, atMost: datagrams.count - taken)
            let sent = try unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) {
                parts throws(NetworkError) -> Int in
                try unsafe Self.lend(datagrams, from: taken, to: parts, 0) { () throws(NetworkError) -> Int in
                    do throws(NetworkError) {
                        return try hand(count, to: destination) { descriptor, to, mayJoin in
                            unsafe datagram_send(descriptor, &to, nil, parts.baseAddress, Int32(count), &mayJoin)
                        }
                    } catch {
                        guard taken > 0 else { throw error }
                        // Whatever it is, whoever sends the rest is told.
                        expectRoom()
                        return 0
                    }
                }
            }
            taken += sent
            if sent < count { break }
        }
        return taken
    }

    /// Hands datagrams that lie one behind the other, all of one size but the last, to the system at once: the quickest way there is.
    ///
    /// - Returns: How many of them the system took.
    /// - Throws: What ``send(_:to:)`` throws, where it did not take the first.
    @discardableResult
    public func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        precondition(size > 0, "datagrams of no bytes have no end")
        let count = (bytes.count + size - 1) / size
        guard count > 0 else { return 0 }
        return try hand(count, to: destination) { descriptor, to, mayJoin in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe datagram_send_run(descriptor, &to, bytes.baseAddress, bytes.count, size, &mayJoin)
            }
        }
    }

    /// The most that go to the system in one call, and the bytes of those that it puts together.
    private static let (batchLimit, joinedByteLimit) = (64, 65_000)

    /// How many datagrams go in one call: as many as fill the large ones, if all are as long as the first.
    private static func batchSize(of size: Int, atMost rest: Int) -> Int {
        let joined = max(1, min(batchLimit, joinedByteLimit / max(1, size)))
        return min(rest, batchLimit / joined * joined)
    }

    /// Lends the bytes of several arrays at once, each within the loan of the one before, so that nothing is copied.
    private static func lend(
        _ datagrams: [[UInt8]], from first: Int, to parts: UnsafeMutableBufferPointer<iovec>, _ filled: Int,
        _ body: () throws(NetworkError) -> Int
    ) throws(NetworkError) -> Int {
        guard filled < parts.count else { return try body() }
        let datagram = datagrams[first + filled]
        return try unsafe datagram.span.withUnsafeBytes { bytes throws(NetworkError) -> Int in
            unsafe parts[filled] = Self.part(bytes[...])
            return try unsafe lend(datagrams, from: first, to: parts, filled + 1, body)
        }
    }

    private static func part(_ bytes: Slice<UnsafeRawBufferPointer>) -> iovec {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: bytes)
        return unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }

    /// - Parameter send: Returns how many datagrams the system took, or a negative error.
    private func hand(
        _ count: Int, to destination: TransportAddress,
        _ send: (Int32, inout datagram_address, inout Bool) -> Int32
    ) throws(NetworkError) -> Int {
        let descriptor = try openDescriptor(for: destination)
        hasSent = true
        var to = destination.asDatagramAddress
        let wasToJoin = joining.mayJoin(to: destination)
        var mayJoin = wasToJoin
        var sent = send(descriptor, &to, &mayJoin)
        if sent < 0, Self.mayBelongToEarlierDatagram(uv_translate_sys_error(-sent)) {
            owesErrors = true
            sent = send(descriptor, &to, &mayJoin)
        }
        if wasToJoin, !mayJoin { joining.refused(by: destination) }
        let status = sent < 0 ? uv_translate_sys_error(-sent) : UV_EAGAIN.rawValue
        if sent < Int32(count), status == UV_EAGAIN.rawValue || status == UV_ENOBUFS.rawValue { expectRoom() }
        guard sent < 0 else { return Int(sent) }
        throw NetworkError(status: status, "send to \(destination)")
    }
}

import CDatagram
import CLibUV
public import NetBase

// Several datagrams in one system call.
extension UDPSocket {
    /// The most that go to the system in one call.
    private static let batchLimit = 64

    /// Hands datagrams to one destination to the system at once, in their order, with as few system calls as it allows.
    ///
    /// - Returns: How many of them the system took; what it has no room for is the caller's to send again, see ``onWritable``.
    /// - Throws: What ``send(_:to:)`` throws, where it did not take the first.
    @discardableResult
    public func send(
        contentsOf datagrams: some Collection<[UInt8]>, to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        var rest = datagrams[...]
        var taken = 0
        while !rest.isEmpty {
            let (count, byteCount) = Self.fit(rest)
            let batch = rest.prefix(count)
            let sent = try sendBatch(batch, byteCount, to: destination, isFirst: taken == 0)
            taken += sent
            if sent < count { break }
            rest = rest.dropFirst(count)
        }
        return taken
    }

    /// Hands datagrams that lie one behind the other, all of one size but the last, to the system at once.
    ///
    /// - Returns: How many of them the system took.
    /// - Throws: What ``send(_:to:)`` throws, where it did not take the first.
    @discardableResult
    public func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        precondition(size > 0, "datagrams of no bytes have no end")
        var taken = 0
        let total = (bytes.count + size - 1) / size
        while taken < total {
            let count = min(Self.batchLimit, total - taken)
            let end = min(bytes.count, (taken + count) * size)
            let sent = try unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) {
                parts throws(NetworkError) -> Int in
                try unsafe bytes.extracting(taken * size..<end).withUnsafeBytes { batch throws(NetworkError) -> Int in
                    for index in 0..<count {
                        let length = min(size, batch.count - index * size)
                        unsafe parts[index] = Self.part(of: batch, at: index * size, length)
                    }
                    return try unsafe hand(parts, count, to: destination, isFirst: taken == 0)
                }
            }
            taken += sent
            if sent < count { break }
        }
        return taken
    }

    private static func fit(_ datagrams: some Collection<[UInt8]>) -> (count: Int, byteCount: Int) {
        var (count, byteCount) = (0, 0)
        for datagram in datagrams.prefix(batchLimit) {
            if count > 0, byteCount + datagram.count > DatagramBuffer.slotSize { break }
            count += 1
            byteCount += datagram.count
        }
        return (count, byteCount)
    }

    private func sendBatch(
        _ datagrams: some Collection<[UInt8]>, _ byteCount: Int, to destination: TransportAddress, isFirst: Bool
    ) throws(NetworkError) -> Int {
        let count = datagrams.count
        return try unsafe withUnsafeTemporaryAllocation(byteCount: max(1, byteCount), alignment: 1) {
            bytes throws(NetworkError) -> Int in
            try unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) {
                parts throws(NetworkError) -> Int in
                var (index, offset) = (0, 0)
                for datagram in datagrams {
                    unsafe bytes[offset..<offset + datagram.count].copyBytes(from: datagram)
                    unsafe parts[index] = Self.part(of: UnsafeRawBufferPointer(bytes), at: offset, datagram.count)
                    offset += datagram.count
                    index += 1
                }
                return try unsafe hand(parts, count, to: destination, isFirst: isFirst)
            }
        }
    }

    private static func part(of bytes: UnsafeRawBufferPointer, at offset: Int, _ length: Int) -> iovec {
        unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress.map { unsafe $0 + offset }), iov_len: length)
    }

    private func hand(
        _ parts: UnsafeMutableBufferPointer<iovec>, _ count: Int, to destination: TransportAddress, isFirst: Bool
    ) throws(NetworkError) -> Int {
        let operation = { "send to \(destination)" }
        let descriptor = try openDescriptor(operation())
        guard destination.family == localAddress.family else {
            throw NetworkError(status: UV_EAFNOSUPPORT.rawValue, operation())
        }
        var to = destination.asDatagramAddress
        var sent = unsafe datagram_send(descriptor, &to, nil, parts.baseAddress, Int32(count), &mayJoin)
        if sent < 0, Self.mayBelongToEarlierDatagram(uv_translate_sys_error(-sent)) {
            sent = unsafe datagram_send(descriptor, &to, nil, parts.baseAddress, Int32(count), &mayJoin)
        }
        if sent < Int32(count) { expectRoom() }
        guard sent < 0 else { return Int(sent) }
        guard isFirst else { return 0 }
        throw NetworkError(status: uv_translate_sys_error(-sent), operation())
    }
}

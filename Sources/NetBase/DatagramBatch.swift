/// Datagrams of one sender that arrived together, lent for a call: they lie one behind the other.
///
/// All are of one size, but for the last, which may be shorter. Most systems hand over one at a time; Linux puts those together that came
/// in a burst (UDP GRO), and what is done once for a batch is then not done for each datagram.
///
/// ```swift
/// var total = 0
/// client.onDataBatch = { batch, path in
///     for index in 0..<batch.count { total += batch[index].count }
/// }
/// ```
public struct DatagramBatch: ~Escapable {
    /// The bytes of all of them.
    public let bytes: Span<UInt8>

    /// How many there are; at least one, which may be empty.
    public let count: Int

    /// The size of each but the last, in bytes.
    public let datagramSize: Int

    /// The address of this machine that they were sent to; nil where the socket does not tell.
    public let localAddress: IPAddress?

    /// The IPv4 type of service or IPv6 traffic class that they arrived with, DSCP in the upper 6 bits and ECN in the lower 2 (RFC 3168 §5);
    /// nil where the socket does not tell.
    public let trafficClass: UInt8?

    /// Datagrams of a size, in bytes, cut out of a buffer; a size of 0 stands for one empty datagram.
    @_lifetime(copy bytes)
    package init(
        _ bytes: Span<UInt8>, datagramSize: Int, localAddress: IPAddress? = nil, trafficClass: UInt8? = nil
    ) {
        self.bytes = bytes
        self.datagramSize = datagramSize
        self.localAddress = localAddress
        self.trafficClass = trafficClass
        count = bytes.count <= datagramSize ? 1 : (bytes.count + datagramSize - 1) / datagramSize
    }

    /// A single datagram.
    @_lifetime(copy datagram)
    package init(only datagram: Span<UInt8>) {
        self.init(datagram, datagramSize: datagram.count)
    }

    /// The bytes of one of them, counted from 0.
    @inlinable
    public subscript(index: Int) -> Span<UInt8> {
        @_lifetime(copy self)
        get {
            let start = index * datagramSize
            return bytes.extracting(start..<min(start + datagramSize, bytes.count))
        }
    }

    /// Some of them that lie one behind the other.
    @_lifetime(copy self)
    package func extracting(_ range: Range<Int>) -> DatagramBatch {
        guard range.count < count else { return self }
        let end = min(range.upperBound * datagramSize, bytes.count)
        return DatagramBatch(
            bytes.extracting(range.lowerBound * datagramSize..<end), datagramSize: datagramSize,
            localAddress: localAddress, trafficClass: trafficClass)
    }
}

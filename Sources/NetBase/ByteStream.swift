/// A TCP connection.
package protocol ByteStream: AnyObject {
    /// The local end, once connected.
    var localAddress: TransportAddress? { get }

    /// The peer's end.
    var remoteAddress: TransportAddress { get }

    /// The connection is up.
    var onConnect: (() -> Void)? { get set }

    /// Bytes arrived, split anywhere; borrowed for the call.
    var onBytes: ((Span<UInt8>) -> Void)? { get set }

    /// The connection could not be made, broke, or was ended by the peer (``NetworkError/Code/endOfStream``).
    var onClose: ((NetworkError) -> Void)? { get set }

    /// Bytes that were written and that the system has not taken yet.
    var unsentByteCount: Int { get }

    /// All that waited has been taken.
    var onWritable: (() -> Void)? { get set }

    /// Queues bytes behind those written before.
    func write(_ bytes: [UInt8]) throws(NetworkError)

    /// Queues a header and what belongs to it as one, behind what was written before; what the system takes at once is not copied.
    func write(_ header: [UInt8], _ body: Span<UInt8>) throws(NetworkError)

    /// Lets the system take no more than about so many bytes that it can't send yet, where it can be told; the rest is unsent here.
    func limitUnsent(to byteCount: Int)

    /// Closes the connection and drops its closures.
    func close()

    /// Closes it so that the peer sees ``NetworkError/Code/connectionReset``, and the system keeps nothing of it.
    func reset()
}

extension ByteStream {
    package func limitUnsent(to byteCount: Int) {}

    /// Puts both into one array.
    package func write(_ header: [UInt8], _ body: Span<UInt8>) throws(NetworkError) {
        try write(header + [UInt8](copying: body))
    }
}

/// A TCP port on which connections are accepted.
package protocol StreamListener: AnyObject {
    /// The address it listens on, with the port that was chosen.
    var localAddress: TransportAddress { get }

    /// Somebody has connected: set the stream's closures here, or close it. A connection that comes while this is nil is closed.
    var onConnection: ((any ByteStream) -> Void)? { get set }

    /// Stops accepting and drops the closure; connections that were accepted stay.
    func close()
}

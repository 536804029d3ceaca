import NetBase

/// One connection to one address of a server, over any transport; it is opened once.
///
/// `DatagramChannel` and `StreamChannel` carry bytes, `SecureChannel` lies over one of them. ``ServerLink`` drives it.
protocol ServerChannel: AnyObject {
    /// Our end.
    var localAddress: TransportAddress? { get }

    /// Bytes that were sent and that the system has not taken yet.
    var unsentByteCount: Int { get }

    /// When to call ``advance(to:)``; nil for never.
    var deadline: Instant? { get }

    /// The channel takes bytes from now on.
    var onOpen: (() -> Void)? { get set }

    /// A datagram, or the next part of the stream; borrowed for the call.
    var onBytes: ((Span<UInt8>) -> Void)? { get set }

    /// The channel is of no more use. Its last event.
    var onFailure: ((LinkError) -> Void)? { get set }

    /// The network says that datagrams do not arrive; the channel stays.
    var onUnreachable: ((NetworkError) -> Void)? { get set }

    /// There is room again behind bytes that were refused, or had to wait.
    var onWritable: (() -> Void)? { get set }

    /// ``deadline`` is another than before.
    var onDeadlineChange: (() -> Void)? { get set }

    /// Begins; ``onOpen`` may come at once.
    func open()

    /// Does what is due by now.
    func advance(to now: Instant)

    /// Sends one datagram, or the next part of the stream.
    func send(_ bytes: [UInt8]) throws(NetworkError)

    /// Lets the system take no more than about so many bytes that it can't send yet, where it can be told.
    func limitUnsent(to byteCount: Int)

    /// Frees everything and drops the closures.
    func close()
}

extension ServerChannel {
    func limitUnsent(to byteCount: Int) {}
}

extension NetworkError {
    /// The channel is not open.
    static func notConnected(_ operation: String) -> NetworkError {
        NetworkError(.closed, name: "ENOTCONN", operation: operation)
    }
}

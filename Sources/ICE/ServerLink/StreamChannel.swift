import NetBase

/// A TCP connection to one address of a server.
final class StreamChannel: ServerChannel {
    let deadline: Instant? = nil
    var onOpen: (() -> Void)?
    var onBytes: ((Span<UInt8>) -> Void)?
    var onFailure: ((LinkError) -> Void)?
    var onUnreachable: ((NetworkError) -> Void)?
    var onWritable: (() -> Void)?
    var onDeadlineChange: (() -> Void)?

    private let stream: any ByteStream

    init(on platform: any Platform, to server: TransportAddress) throws(NetworkError) {
        stream = try platform.connectStream(to: server)
        stream.onConnect = { [weak self] in self?.onOpen?() }
        stream.onBytes = { [weak self] bytes in self?.onBytes?(bytes) }
        stream.onWritable = { [weak self] in self?.onWritable?() }
        stream.onClose = { [weak self] error in self?.onFailure?(LinkError(.connection, error)) }
    }

    deinit { close() }

    var localAddress: TransportAddress? { stream.localAddress }

    var unsentByteCount: Int { stream.unsentByteCount }

    // Connecting began when it was made.
    func open() {}

    func advance(to now: Instant) {}

    func send(_ bytes: [UInt8]) throws(NetworkError) { try stream.write(bytes) }

    func limitUnsent(to byteCount: Int) { stream.limitUnsent(to: byteCount) }

    func close() {
        stream.close()
        (onOpen, onBytes, onFailure, onUnreachable, onWritable, onDeadlineChange) = (nil, nil, nil, nil, nil, nil)
    }
}

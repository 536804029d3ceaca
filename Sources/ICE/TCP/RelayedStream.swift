import NetBase

/// A connection by way of a TURN server as a stream (RFC 6062).
final class RelayedStream: ByteStream {
    let localAddress: TransportAddress?
    let remoteAddress: TransportAddress
    var onConnect: (() -> Void)?
    var onBytes: ((Span<UInt8>) -> Void)?
    var onClose: ((NetworkError) -> Void)?
    var onWritable: (() -> Void)?

    private let connection: TURNConnection

    /// The stream of a connection that nobody else listens to.
    ///
    /// - Parameter relayed: The relayed address that it comes from or goes to.
    init(_ connection: TURNConnection, at relayed: TransportAddress) {
        self.connection = connection
        localAddress = relayed
        remoteAddress = connection.peer
        connection.onConnect = { [weak self] in self?.onConnect?() }
        connection.onData = { [weak self] bytes in self?.onBytes?(bytes) }
        connection.onWritable = { [weak self] in self?.onWritable?() }
        connection.onClose = { [weak self] error in self?.onClose?(NetworkError(relaying: error)) }
    }

    deinit { close() }

    var unsentByteCount: Int { connection.unsentByteCount }

    func write(_ bytes: [UInt8]) throws(NetworkError) { try connection.write(bytes) }

    func limitUnsent(to byteCount: Int) { connection.limitUnsent(to: byteCount) }

    func close() {
        connection.close()
        (onConnect, onBytes, onClose, onWritable) = (nil, nil, nil, nil)
    }

    /// The server ends the peer's connection as it likes: RFC 6062 has but one way to close.
    func reset() { close() }
}

extension NetworkError {
    /// What a relay's fault is to whoever sees but streams; it is told in the relay's words.
    init(relaying error: TURNClientError) {
        if let cause = error.networkError {
            self.init(cause.code, name: cause.name, operation: error.message)
            return
        }
        let (code, name): (Code, String) =
            switch error.code {
            case .peerUnreachable, .tooEarly: (.hostUnreachable, "EHOSTUNREACH")
            case .forbidden: (.notPermitted, "EACCES")
            case .connectionExists: (.other, "EISCONN")
            case .connectionGone, .allocationGone: (.connectionReset, "ECONNRESET")
            case .timedOut: (.timedOut, "ETIMEDOUT")
            default: (.other, "EPROTO")
            }
        self.init(code, name: name, operation: error.message)
    }
}

import CLibUV
public import NetBase

/// A TCP connection.
///
/// ```swift
/// let stream = try TCPStream(on: loop, connectingTo: peer)
/// stream.onConnect = { try? stream.write(Array("hello".utf8)) }
/// stream.onBytes = { bytes in print("\(bytes.count) bytes") }
/// stream.onClose = { error in print(error) }
/// ```
///
/// Making the first stream or listener of a process sets SIGPIPE to be ignored if nobody has set it: a peer that goes away
/// would otherwise end the process.
public final class TCPStream: Handle {
    /// The connection is up.
    public var onConnect: (() -> Void)?

    /// Bytes arrived, split anywhere; borrowed for the call.
    public var onBytes: ((Span<UInt8>) -> Void)?

    /// The connection could not be made, broke, or was ended by the peer (``NetworkError/Code/endOfStream``).
    ///
    /// The stream is closed by then, and what it had not sent is gone; this is its last event. It is not called after
    /// ``Handle/close()``.
    public var onClose: ((NetworkError) -> Void)?

    /// All that waited has been taken by the system: ``unsentByteCount`` is 0 again.
    public var onWritable: (() -> Void)?

    /// The local end, once connected.
    public private(set) var localAddress: TransportAddress?

    /// The peer's end: the address that was asked for, or the one that connected to a listener.
    public private(set) var remoteAddress: TransportAddress

    /// Starts to connect, from a local address if one is given (port 0 takes a free port).
    ///
    /// Throws what the system knows at once, such as a network without a route; ``onConnect`` or ``onClose`` tells the rest.
    /// `noDelay` sends small pieces at once instead of waiting for more (TCP_NODELAY). `sharesPort` lets it start from a port that a
    /// listener, which shares it as well, is bound to (SO_REUSEPORT): where both ends do so at once they meet in one connection.
    public init(
        on loop: EventLoop, connectingTo remote: TransportAddress, from local: TransportAddress? = nil,
        noDelay: Bool = true, sharesPort: Bool = false
    ) throws(NetworkError) {
        ignoreBrokenPipeSignal()
        let family = SocketConstant.family(local ?? remote, sharesPort: sharesPort)
        let memory = try unsafe loop.core.open(
            uv_tcp_t.self, initialize: { unsafe uv_tcp_init_ex($0, $1, family) },
            configure: { handle throws(NetworkError) in
                if sharesPort { try unsafe sharePort(of: handle, "connect to \(remote)") }
                if noDelay { try check(unsafe uv_tcp_nodelay(handle, 1), "connect to \(remote)") }
                guard let local else { return }
                try check(
                    unsafe local.withSocketAddress { unsafe uv_tcp_bind(handle, $0, 0) }, "connect from \(local)")
            },
            operation: "connect to \(remote)")
        remoteAddress = remote
        unsafe super.init(loop.core, memory)
        let status = connect(to: remote)
        guard status < 0 else { return }
        close()
        throw NetworkError(status: status, "connect to \(remote)")
    }

    /// Takes over a connection that a listener accepted.
    init(accepted memory: UnsafeMutableRawPointer, on core: LoopCore, from remote: TransportAddress) {
        remoteAddress = remote
        unsafe super.init(core, memory)
        updateAddresses()
    }

    /// Bytes that were written and that the system has not taken yet.
    public var unsentByteCount: Int {
        guard let stream = unsafe handle(as: uv_stream_t.self) else { return 0 }
        return unsafe uv_stream_get_write_queue_size(stream)
    }

    /// Writes bytes behind those written before; they wait where the system has no room, or the connection is not up yet.
    ///
    /// Nothing bounds how much may wait: look at ``unsentByteCount``.
    public func write(_ bytes: [UInt8]) throws(NetworkError) {
        try unsafe bytes.withUnsafeBufferPointer { bytes throws(NetworkError) in
            try unsafe write(bytes, UnsafeBufferPointer(start: nil, count: 0))
        }
    }

    /// Writes a header and what belongs to it as one, as ``write(_:)`` does; what the system takes at once is not copied.
    public func write(_ header: [UInt8], _ body: Span<UInt8>) throws(NetworkError) {
        try unsafe header.withUnsafeBufferPointer { header throws(NetworkError) in
            try unsafe body.withUnsafeBufferPointer { body throws(NetworkError) in try unsafe write(header, body) }
        }
    }

    private func write(
        _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>
    ) throws(NetworkError) {
        let stream = try unsafe openHandle(as: uv_stream_t.self, "write to \(remoteAddress)")
        let count = first.count + second.count
        guard count > 0 else { return }
        let sent = unsafe withTwoBuffers(first, second) { unsafe uv_try_write(stream, $0, $1) }
        // libuv refuses a direct write while others wait, so the order is kept.
        if sent != UV_EAGAIN.rawValue { try check(sent, "write to \(remoteAddress)") }
        let taken = max(0, Int(sent))
        guard taken < count else { return }
        let rest = unsafe (first.dropFirst(taken), second.dropFirst(max(0, taken - first.count)))
        let status = unsafe WriteRequest.submit(rest.0, rest.1, to: stream) { [weak self] in self?.wrote($0) }
        try check(status, "write to \(remoteAddress)")
    }

    /// Sends small pieces at once, or waits for more to go with them (TCP_NODELAY).
    public func setNoDelay(_ isOn: Bool) throws(NetworkError) {
        let operation = "set TCP_NODELAY to \(remoteAddress)"
        try check(unsafe uv_tcp_nodelay(openHandle(as: uv_tcp_t.self, operation), isOn ? 1 : 0), operation)
    }

    /// Closes the connection with a reset (RFC 9293 §3.5.3) instead of an end: the peer sees ``NetworkError/Code/connectionReset``, what
    /// waits to be sent is gone, and the system keeps nothing of the connection, as it does for a minute where this end closes first.
    public func reset() {
        if let handle = unsafe handle(as: uv_handle_t.self) { unsafe Self.setNoLinger(of: handle) }
        close()
    }

    override func dropClosures() {
        let dropped = (onConnect, onBytes, onClose, onWritable)
        onConnect = nil
        onBytes = nil
        onClose = nil
        onWritable = nil
        withExtendedLifetime(dropped) {}
    }
}

// MARK: - Events

extension TCPStream {
    private func connect(to remote: TransportAddress) -> Int32 {
        guard let handle = unsafe handle(as: uv_tcp_t.self) else { return UV_EBADF.rawValue }
        return unsafe ConnectRequest.submit(handle, to: remote) { [weak self] status in self?.connected(status) }
    }

    private func connected(_ status: Int32) {
        guard !isClosed else { return }
        guard status == 0 else { return fail(status, "connect to \(remoteAddress)") }
        updateAddresses()
        let reading = startReading()
        guard reading == 0 else { return fail(reading, "read from \(remoteAddress)") }
        core.turn { onConnect?() }
    }

    private func updateAddresses() {
        guard let handle = unsafe handle(as: uv_tcp_t.self) else { return }
        localAddress = unsafe TransportAddress { unsafe uv_tcp_getsockname(handle, $0, $1) }?.unmapped
        remoteAddress = unsafe TransportAddress { unsafe uv_tcp_getpeername(handle, $0, $1) }?.unmapped ?? remoteAddress
    }

    func startReading() -> Int32 {
        guard let stream = unsafe handle(as: uv_stream_t.self) else { return UV_EBADF.rawValue }
        return unsafe uv_read_start(
            stream,
            { handle, _, buffer in
                guard let handle = unsafe handle, let buffer = unsafe buffer else { return }
                unsafe owner(Handle.self, of: handle.pointee.data).core.lendReceiveBuffer(buffer)
            },
            { stream, count, buffer in
                // A count of 0 says that there was nothing after all.
                guard let stream = unsafe stream, let buffer = unsafe buffer, count != 0 else { return }
                let connection = unsafe owner(TCPStream.self, of: stream.pointee.data)
                guard count > 0 else {
                    return connection.fail(Int32(truncatingIfNeeded: count), "read from \(connection.remoteAddress)")
                }
                let bytes = unsafe UnsafeRawBufferPointer(start: buffer.pointee.base, count: count)
                connection.core.turn {
                    unsafe connection.onBytes?(bytes.assumingMemoryBound(to: UInt8.self).span)
                }
            })
    }

    private func wrote(_ status: Int32) {
        guard !isClosed else { return }
        if status < 0 { return fail(status, "write to \(remoteAddress)") }
        if unsentByteCount == 0 { core.turn { onWritable?() } }
    }

    func fail(_ status: Int32, _ operation: String) {
        let onClose = self.onClose
        close()
        core.turn { onClose?(NetworkError(status: status, operation)) }
    }
}

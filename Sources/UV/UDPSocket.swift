import CLibUV
public import NetBase

/// A bound UDP socket.
///
/// ```swift
/// let socket = try UDPSocket(on: loop, boundTo: TransportAddress(.any(.v4), port: 0))
/// socket.onDatagram = { bytes, source in print("\(bytes.count) bytes from \(source)") }
/// try socket.send([1, 2, 3].span, to: peer)
/// ```
///
/// No fault of one datagram closes the socket: refused, unreachable and full are about one destination or one moment.
public final class UDPSocket: Handle {
    /// How a socket shares its address with others.
    public struct Options: OptionSet, Sendable {
        /// The bits of the options.
        public let rawValue: UInt8
        /// Options from their bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Others that ask for it too may bind the same address (SO_REUSEADDR; SO_REUSEPORT on the BSDs and macOS).
        public static let reuseAddress = Options(rawValue: 1)
        /// Others that ask for it too may bind the same address, and the system spreads the datagrams over them on Linux
        /// (SO_REUSEPORT).
        public static let reusePort = Options(rawValue: 2)
    }

    /// The address the socket is bound to, with the port that the system chose if 0 was asked for.
    public let localAddress: TransportAddress

    /// A datagram arrived, possibly an empty one; the bytes are borrowed for the call.
    public var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)?

    /// An ICMP error came back for a datagram sent to this destination (RFC 8445 §7.2.5.2.2).
    ///
    /// Linux tells; other systems keep such errors from sockets that are not connected, and this is never called there.
    public var onUnreachable: ((TransportAddress, NetworkError) -> Void)?

    /// Receiving failed in a way that is about no destination; the socket stays open and goes on.
    public var onError: ((NetworkError) -> Void)?

    // Whether a datagram was delivered since the system last said that there are no more.
    private var hasReceived = false

    /// Binds a socket, an IPv6 one for IPv6 alone; port 0 takes a free port.
    public init(on loop: EventLoop, boundTo address: TransportAddress, options: Options = []) throws(NetworkError) {
        let family = address.family == .v4 ? SocketConstant.familyV4 : SocketConstant.familyV6
        var bound = address
        let memory = try unsafe loop.core.open(
            uv_udp_t.self, initialize: { unsafe uv_udp_init_ex($0, $1, UInt32(family)) },
            configure: { handle throws(NetworkError) in
                bound = try unsafe Self.configure(handle, boundTo: address, options)
            },
            operation: "bind \(address)")
        localAddress = bound
        unsafe super.init(loop.core, memory)
    }

    /// Hands one datagram to the system at once; there is no queue behind it.
    ///
    /// Real-time data is better lost than late, so what the system has no room for is refused with
    /// ``NetworkError/Code/wouldBlock`` and the caller decides. An error that another destination caused is not thrown here.
    public func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        let handle = try unsafe openHandle(as: uv_udp_t.self, "send to \(destination)")
        guard destination.family == localAddress.family else {
            throw NetworkError(status: UV_EAFNOSUPPORT.rawValue, "send to \(destination)")
        }
        var status = unsafe Self.trySend(bytes, to: destination, on: handle)
        if Self.mayBelongToEarlierDatagram(status) {
            // Such an error is handed to whichever call comes first, which takes it off the socket. Its own destination is
            // told by the error queue, on a later turn.
            status = unsafe Self.trySend(bytes, to: destination, on: handle)
            // The system never refuses a datagram for what it was sent for itself: this is one more of another's.
            if status == UV_ECONNREFUSED.rawValue { status = UV_EAGAIN.rawValue }
        }
        try check(status, "send to \(destination)")
    }

    override func dropClosures() {
        let dropped = (onDatagram, onUnreachable, onError)
        onDatagram = nil
        onUnreachable = nil
        onError = nil
        withExtendedLifetime(dropped) {}
    }

    private static func trySend(
        _ bytes: Span<UInt8>, to destination: TransportAddress, on handle: UnsafeMutablePointer<uv_udp_t>
    ) -> Int32 {
        unsafe bytes.withUnsafeBytes { bytes in
            let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
            var buffer = unsafe uv_buf_init(start, UInt32(bytes.count))
            return unsafe destination.withSocketAddress { unsafe uv_udp_try_send(handle, &buffer, 1, $0) }
        }
    }
}

// MARK: - Receiving

extension UDPSocket {
    private static func configure(
        _ handle: UnsafeMutablePointer<uv_udp_t>, boundTo address: TransportAddress, _ options: Options
    ) throws(NetworkError) -> TransportAddress {
        let operation = { "bind \(address)" }
        let descriptor = unsafe try fileDescriptor(of: asHandle(handle), operation())
        if options.contains(.reusePort) {
            try setOption(SocketConstant.socketLevel, SocketConstant.reusePort, 1, of: descriptor, operation())
        }
        try reportErrors(to: descriptor, address.family, operation())
        var flags: UInt32 = 0
        if address.family == .v6 { flags |= UV_UDP_IPV6ONLY.rawValue }
        if options.contains(.reuseAddress) { flags |= UV_UDP_REUSEADDR.rawValue }
        try check(unsafe address.withSocketAddress { unsafe uv_udp_bind(handle, $0, flags) }, operation())
        try check(unsafe startReceiving(handle), operation())
        return unsafe TransportAddress { unsafe uv_udp_getsockname(handle, $0, $1) } ?? address
    }

    private static func startReceiving(_ handle: UnsafeMutablePointer<uv_udp_t>) -> Int32 {
        unsafe uv_udp_recv_start(
            handle,
            { handle, _, buffer in
                guard let handle = unsafe handle, let buffer = unsafe buffer else { return }
                unsafe owner(Handle.self, of: handle.pointee.data).core.lendReceiveBuffer(buffer)
            },
            { handle, count, buffer, source, flags in
                guard let handle = unsafe handle, let buffer = unsafe buffer else { return }
                let socket = unsafe owner(UDPSocket.self, of: handle.pointee.data)
                let bytes = unsafe UnsafeRawBufferPointer(start: buffer.pointee.base, count: max(0, count))
                let address = unsafe source.flatMap { unsafe TransportAddress($0) }
                socket.core.turn {
                    guard count >= 0 else { return socket.receiveFailed(Int32(truncatingIfNeeded: count)) }
                    guard let address else { return socket.receivedAll() }
                    // Newer versions of libuv read the error queue themselves and pass our own datagrams back this way.
                    guard flags & UV_UDP_LINUX_RECVERR.rawValue == 0 else { return socket.returned(from: address) }
                    socket.hasReceived = true
                    unsafe socket.onDatagram?(bytes.assumingMemoryBound(to: UInt8.self).span, address.unmapped)
                }
            })
    }

    /// libuv found nothing more to receive.
    ///
    /// When it was woken and found nothing at all, what woke it is the error queue: its error was taken by a send. The socket
    /// would be reported ready for ever if that stayed.
    private func receivedAll() {
        if !hasReceived { _ = drainErrorQueue() }
        hasReceived = false
    }

    private func receiveFailed(_ status: Int32) {
        hasReceived = false
        let drained = drainErrorQueue()
        // An ICMP error may show before its entry in the queue; that will wake the socket again.
        guard drained == 0, !(Self.hasErrorQueue && Self.mayBelongToEarlierDatagram(status)) else { return }
        onError?(NetworkError(status: status, "receive on \(localAddress)"))
    }

    private func returned(from destination: TransportAddress) {
        let error = NetworkError(status: UV_ECONNREFUSED.rawValue, "send to \(destination)")
        onUnreachable?(destination, error)
    }
}

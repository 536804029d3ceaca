import CLibUV
public import NetBase

/// A TCP socket that others connect to.
///
/// ```swift
/// let listener = try TCPListener(on: loop, boundTo: address)
/// listener.onConnection = { stream in
///     stream.onBytes = { bytes in try? stream.write([UInt8](copying: bytes)) }
/// }
/// ```
public final class TCPListener: Handle {
    /// The address the listener is bound to, with the port that the system chose if 0 was asked for.
    public let localAddress: TransportAddress

    /// Someone connected: set the stream's closures here, before it reads, and close it to turn the peer away.
    ///
    /// A connection that comes while this is nil is closed.
    public var onConnection: ((TCPStream) -> Void)?

    /// A connection could not be accepted; the listener goes on.
    public var onError: ((NetworkError) -> Void)?

    /// How many are accepted at a time. What they have sent already is read before more are: a loop that was held up finds many of them
    /// waiting, and who bounds how many may be silent must not take those for silent that were not listened to yet.
    package static let acceptsAtATime = 8

    /// How many were accepted since sockets had their turn for certain.
    private var acceptedCount = 0

    /// Binds, an IPv6 listener for IPv6 alone, and listens; port 0 takes a free port. The backlog is how many connections
    /// the system completes ahead of the loop. `sharesPort` lets streams that ask for the same connect from the port (SO_REUSEPORT);
    /// `isCommon` lets other listeners that ask for it too be bound to the same address, and the system spreads the connections over them
    /// on Linux.
    public init(
        on loop: EventLoop, boundTo address: TransportAddress, backlog: Int = 128, sharesPort: Bool = false,
        isCommon: Bool = false
    ) throws(NetworkError) {
        ignoreBrokenPipeSignal()
        var bound = address
        // An option that counts for the binding needs the system's socket to be there before it.
        let family = SocketConstant.family(address, sharesPort: isCommon)
        let memory: UnsafeMutableRawPointer
        do {
            unsafe memory = try unsafe loop.core.open(
                uv_tcp_t.self, initialize: { unsafe uv_tcp_init_ex($0, $1, family) },
                configure: { handle throws(NetworkError) in
                    if isCommon { try unsafe sharePort(of: handle, "listen on \(address)") }
                    let flags = address.family == .v6 ? UV_TCP_IPV6ONLY.rawValue : 0
                    try check(
                        unsafe address.withSocketAddress { unsafe uv_tcp_bind(handle, $0, flags) },
                        "listen on \(address)")
                    // Only now: a port is shared with what connects from it, not with a second listener.
                    if sharesPort && !isCommon { try unsafe sharePort(of: handle, "listen on \(address)") }
                    try check(unsafe Self.listen(handle, Int32(clamping: backlog)), "listen on \(address)")
                    bound = unsafe TransportAddress { unsafe uv_tcp_getsockname(handle, $0, $1) } ?? address
                },
                operation: "listen on \(address)")
        } catch {
            throw error.binding(to: address)
        }
        localAddress = bound
        unsafe super.init(loop.core, memory)
    }

    override func dropClosures() {
        let dropped = (onConnection, onError)
        onConnection = nil
        onError = nil
        withExtendedLifetime(dropped) {}
    }

    private static func listen(_ handle: UnsafeMutablePointer<uv_tcp_t>, _ backlog: Int32) -> Int32 {
        let stream = unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_stream_t.self)
        return unsafe uv_listen(stream, backlog) { stream, status in
            guard let stream = unsafe stream else { return }
            let listener = unsafe owner(TCPListener.self, of: stream.pointee.data)
            listener.core.turn {
                do throws(NetworkError) {
                    try check(status, "accept on \(listener.localAddress)")
                } catch {
                    listener.onError?(error)
                    return
                }
                unsafe listener.acceptInTurn(from: stream)
            }
        }
    }

    /// Accepts the connection that libuv has for us, or leaves it there for a while: then libuv has the others wait as well.
    private func acceptInTurn(from listening: UnsafeMutablePointer<uv_stream_t>) {
        guard acceptedCount == Self.acceptsAtATime else {
            acceptedCount += 1
            do throws(NetworkError) { try unsafe accept(from: listening) } catch { onError?(error) }
            return
        }
        // Work that is enqueued by work runs after the sockets of this turn.
        core.enqueue { [weak self] in
            self?.core.enqueue { [weak self] in
                guard let self, let listening = unsafe handle(as: uv_stream_t.self) else { return }
                acceptedCount = 0
                unsafe acceptInTurn(from: listening)
            }
        }
    }

    private func accept(from listening: UnsafeMutablePointer<uv_stream_t>) throws(NetworkError) {
        let operation = "accept on \(localAddress)"
        let memory = try unsafe core.open(
            uv_tcp_t.self, initialize: { unsafe uv_tcp_init($0, $1) },
            configure: { handle throws(NetworkError) in
                let stream = unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_stream_t.self)
                try check(unsafe uv_accept(listening, stream), operation)
                try check(unsafe uv_tcp_nodelay(handle, 1), operation)
            },
            operation: operation)
        let stream = unsafe TCPStream(accepted: memory, on: core, from: localAddress)
        guard let onConnection else { return stream.close() }
        let reading = stream.startReading()
        guard reading == 0 else {
            stream.close()
            throw NetworkError(status: reading, operation)
        }
        onConnection(stream)
    }
}

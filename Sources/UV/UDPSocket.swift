import CDatagram
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
@safe
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

    /// Datagrams of one sender arrived, as many as the system hands over at a time; they are borrowed for the call.
    ///
    /// Where this is set ``onDatagram`` is not called. Much that arrives is received the quicker so: Linux puts a burst together, up to 64
    /// datagrams.
    public var onDatagrams: ((DatagramBatch, TransportAddress) -> Void)?

    /// An ICMP error came back for a datagram sent to this destination (RFC 8445 §7.2.5.2.2).
    ///
    /// Linux tells; other systems keep such errors from sockets that are not connected, and this is never called there.
    public var onUnreachable: ((TransportAddress, NetworkError) -> Void)?

    /// Receiving failed in a way that is about no destination; the socket stays open and goes on.
    public var onError: ((NetworkError) -> Void)?

    /// There is room again behind a ``send(_:to:)`` that was refused with ``NetworkError/Code/wouldBlock``; told once for each such time.
    public var onWritable: (() -> Void)?

    /// Whether, while a closure is told of datagrams, others that have arrived with them follow at once.
    package private(set) var hasMore = false

    let descriptor: Int32
    /// When this was woken last.
    private var lastReceived = Instant(nanoseconds: 0)
    /// Whether anything was sent in answer to what was received.
    var hasSent = false
    /// Whether an error was taken off the socket whose own destination stands in the error queue.
    var owesErrors = false
    /// What waits for room, once there was none.
    var roomWatch: RoomWatch?
    /// Whether the system puts datagrams together that go out together; many sockets never send more than one.
    lazy var joining = JoiningMemory(isPossible: datagram_can_join(descriptor))
    /// Whether nobody has asked for other buffers than those that the system gives.
    var hasGivenBuffers = true
    /// What the system tells about arrivals.
    var facts: ArrivalFacts = []

    /// Binds a socket, an IPv6 one for IPv6 alone; port 0 takes a free port.
    ///
    /// - Throws: `NetworkError` whose ``NetworkError/advice`` tells what to do where the address or the port can't be had.
    public init(on loop: EventLoop, boundTo address: TransportAddress, options: Options = []) throws(NetworkError) {
        let family = address.family == .v4 ? SocketConstant.familyV4 : SocketConstant.familyV6
        var bound = address
        var descriptor: Int32 = -1
        let memory: UnsafeMutableRawPointer
        do {
            unsafe memory = try unsafe loop.core.open(
                uv_udp_t.self, initialize: { unsafe uv_udp_init_ex($0, $1, UInt32(family)) },
                configure: { handle throws(NetworkError) in
                    descriptor = try unsafe Self.fileDescriptor(of: asHandle(handle), "bind \(address)")
                    bound = try unsafe Self.configure(handle, descriptor, boundTo: address, options)
                    try check(unsafe Self.watch(handle), "receive on \(address)")
                },
                operation: "bind \(address)")
        } catch {
            throw error.binding(to: address)
        }
        localAddress = bound
        self.descriptor = descriptor
        unsafe super.init(loop.core, memory)
    }

    func openDescriptor(_ operation: @autoclosure () -> String) throws(NetworkError) -> Int32 {
        guard !isClosed else { throw .closed(operation()) }
        return descriptor
    }

    /// The descriptor, to send to a destination of its family.
    func openDescriptor(for destination: TransportAddress) throws(NetworkError) -> Int32 {
        guard !isClosed, destination.family == localAddress.family else { throw refusal(of: destination) }
        return descriptor
    }

    private func refusal(of destination: TransportAddress) -> NetworkError {
        let operation = "send to \(destination)"
        return isClosed ? .closed(operation) : NetworkError(status: UV_EAFNOSUPPORT.rawValue, operation)
    }

    /// Hands one datagram to the system at once; there is no queue behind it.
    ///
    /// Real-time data is better lost than late, so what the system has no room for is refused with
    /// ``NetworkError/Code/wouldBlock`` and the caller decides. An error that another destination caused is not thrown here.
    public func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        let descriptor = try openDescriptor(for: destination)
        hasSent = true
        let status = Self.trySend(bytes, to: destination, from: nil, on: descriptor)
        if status < 0 { try sendAgain(bytes, to: destination, from: nil, after: status) }
    }

    func send(_ bytes: Span<UInt8>, to destination: TransportAddress, from local: IPAddress?) throws(NetworkError) {
        let descriptor = try openDescriptor(for: destination)
        hasSent = true
        let status = Self.trySend(bytes, to: destination, from: local, on: descriptor)
        if status < 0 { try sendAgain(bytes, to: destination, from: local, after: status) }
    }

    private func sendAgain(
        _ bytes: Span<UInt8>, to destination: TransportAddress, from local: IPAddress?, after status: Int32
    ) throws(NetworkError) {
        var status = uv_translate_sys_error(-status)
        if Self.mayBelongToEarlierDatagram(status) {
            owesErrors = true
            // Such an error is handed to whichever call comes first, which takes it off the socket. Its own destination is
            // told by the error queue, on a later turn.
            let error = Self.trySend(bytes, to: destination, from: local, on: descriptor)
            status = error < 0 ? uv_translate_sys_error(-error) : 0
            // The system never refuses a datagram for what it was sent for itself: this is one more of another's.
            if status == UV_ECONNREFUSED.rawValue { status = UV_EAGAIN.rawValue }
        }
        guard status < 0 else { return }
        if status == UV_EAGAIN.rawValue || status == UV_ENOBUFS.rawValue { expectRoom() }
        throw NetworkError(status: status, "send to \(destination)")
    }

    override func dropClosures() {
        roomWatch?.close()
        roomWatch = nil
        let dropped = (onDatagram, onDatagrams, onUnreachable, onError, onWritable)
        (onDatagram, onDatagrams, onUnreachable, onError, onWritable) = (nil, nil, nil, nil, nil)
        withExtendedLifetime(dropped) {}
    }

    private static func trySend(
        _ bytes: Span<UInt8>, to destination: TransportAddress, from local: IPAddress?, on descriptor: Int32
    ) -> Int32 {
        var to = destination.asDatagramAddress
        return unsafe bytes.withUnsafeBytes { bytes in
            guard var from = local?.asDatagramAddress() else {
                return unsafe datagram_send_one(descriptor, &to, nil, bytes.baseAddress, bytes.count)
            }
            return unsafe datagram_send_one(descriptor, &to, &from, bytes.baseAddress, bytes.count)
        }
    }
}

// MARK: - Receiving

extension UDPSocket {
    private static func configure(
        _ handle: UnsafeMutablePointer<uv_udp_t>, _ descriptor: Int32, boundTo address: TransportAddress,
        _ options: Options
    ) throws(NetworkError) -> TransportAddress {
        let operation = { "bind \(address)" }
        if options.contains(.reusePort) {
            try setOption(SocketConstant.socketLevel, SocketConstant.reusePort, 1, of: descriptor, operation())
        }
        try reportErrors(to: descriptor, address.family, operation())
        let prepared = datagram_prepare(descriptor, address.family == .v6, Int32(datagram_joins))
        try check(prepared, operation())
        var flags: UInt32 = 0
        if address.family == .v6 { flags |= UV_UDP_IPV6ONLY.rawValue }
        if options.contains(.reuseAddress) { flags |= UV_UDP_REUSEADDR.rawValue }
        try check(unsafe address.withSocketAddress { unsafe uv_udp_bind(handle, $0, flags) }, operation())
        return unsafe TransportAddress { unsafe uv_udp_getsockname(handle, $0, $1) } ?? address
    }

    /// libuv tells each time that something has arrived, and asks for a buffer to put it into. It gets none, and leaves it to us to receive
    /// as much as there is at once.
    private static func watch(_ handle: UnsafeMutablePointer<uv_udp_t>) -> Int32 {
        unsafe uv_udp_recv_start(handle, { _, _, buffer in unsafe buffer?.pointee = uv_buf_t() }) {
            handle, _, _, _, _ in
            guard let handle = unsafe handle else { return }
            let socket = unsafe owner(UDPSocket.self, of: handle.pointee.data)
            socket.core.turn { socket.receive() }
        }
    }

    /// Tells ``onWritable`` when a datagram may be sent again.
    func expectRoom() {
        guard onWritable != nil, !isClosed else { return }
        if roomWatch == nil { roomWatch = try? RoomWatch(for: self) }
        roomWatch?.start()
    }

    func hasRoom() { onWritable?() }

    /// A turn of the loop is for others too: what is left is received on the next one.
    private static let slotsPerTurn = 4 * DatagramBuffer.slotCount

    /// A socket that has received so shortly before is in the midst of a flow.
    private static let flowingInterval = Duration.microseconds(50)

    /// How often a socket in a flow of single datagrams is looked at in vain. The next one may come at any moment, and a few looks cost less
    /// than for the loop to fall asleep, and for whoever sends to wake it.
    private static let vainLooksIntoFlow = 6

    private func receive() {
        let buffer = core.datagramBuffer
        let now = core.now
        let isFlowing = now - lastReceived < Self.flowingInterval
        lastReceived = now
        hasSent = false
        let left = receive(into: buffer, isFlowing: isFlowing)
        // What has woken the socket without a datagram or an error of its own is in the error queue, and so is what a call to send was told
        // of in the place of another. Where datagrams never end, it is looked at in between.
        guard left == Self.slotsPerTurn || left <= 0 || owesErrors else { return }
        owesErrors = false
        _ = drainErrorQueue()
    }

    /// - Returns: How many slots of the turn are left.
    private func receive(into buffer: DatagramBuffer, isFlowing: Bool) -> Int {
        var vainLooks = 0
        var left = Self.slotsPerTurn
        while left > 0, !isClosed {
            let count = Int(buffer.receive(from: descriptor))
            guard count > 0 else {
                let status = uv_translate_sys_error(Int32(-count))
                if status != UV_EAGAIN.rawValue {
                    receiveFailed(status)
                    left -= DatagramBuffer.slotCount
                    continue
                }
                vainLooks += 1
                if vainLooks < Self.vainLooksIntoFlow, isFlowing, !hasSent, !core.hasQueuedWork { continue }
                return left
            }
            for slot in 0..<count where !isClosed {
                hasMore = slot + 1 < count
                deliver(slot, of: buffer)
            }
            left -= count
            let isWorthALook = isFlowing && !buffer.isJoined(slot: count - 1)
            if count < DatagramBuffer.slotCount, !isWorthALook { return left }
        }
        return left
    }

    private func deliver(_ slot: Int, of buffer: DatagramBuffer) {
        guard let source = buffer.source(ofSlot: slot) else { return }
        buffer.lend(slot: slot, telling: facts) { batch in
            if let onDatagrams { return onDatagrams(batch, source) }
            for index in 0..<batch.count where !isClosed { onDatagram?(batch[index], source) }
        }
    }

    private func receiveFailed(_ status: Int32) {
        let drained = drainErrorQueue()
        // An ICMP error may show before its entry in the queue; that will wake the socket again.
        guard drained == 0, !(Self.hasErrorQueue && Self.mayBelongToEarlierDatagram(status)) else { return }
        onError?(NetworkError(status: status, "receive on \(localAddress)"))
    }
}

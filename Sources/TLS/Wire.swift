import COpenSSL
import NetBase

/// The two ends of a session's wire, in memory: the C side reads what was just received and leaves what is to be sent.
///
/// It stands behind a `BIO` of its own kind rather than a memory `BIO`, because that one joins what was written: here each write is kept
/// apart, which makes it a datagram, and each read takes one datagram. The `BIO` holds one reference from ``makeBIO(method:)`` until
/// OpenSSL destroys it, inside `SSL_free`.
@safe
final class Wire {
    private let transport: TLSContext.Transport
    private let retransmissionTimeout: Duration
    private var incoming: UnsafeRawBufferPointer?

    /// What OpenSSL wrote and nobody has taken: for datagrams one element each, for streams all in one.
    private(set) var outgoing: [[UInt8]] = []

    /// Whether OpenSSL set or stopped its retransmission timer since this was last cleared.
    var didTimerChange = false

    init(_ transport: TLSContext.Transport, retransmissionTimeout: Duration) {
        self.transport = transport
        self.retransmissionTimeout = retransmissionTimeout
    }

    /// Lets OpenSSL read from borrowed bytes while the work runs; what it leaves is dropped.
    func withIncoming(_ bytes: Span<UInt8>, _ work: () -> Void) {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe incoming = buffer
            work()
            unsafe incoming = nil
        }
    }

    /// Takes what is to be sent.
    func takeOutgoing() -> [[UInt8]] {
        defer { outgoing.removeAll() }
        return outgoing
    }

    private func read(into target: UnsafeMutableRawBufferPointer) -> Int? {
        guard let source = unsafe incoming, unsafe !source.isEmpty else { return nil }
        let count = min(source.count, target.count)
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
        // As with recv on a datagram socket, what does not fit is lost.
        let taken = transport == .datagram ? source.count : count
        unsafe incoming = UnsafeRawBufferPointer(rebasing: source[taken...])
        return count
    }

    private func write(_ bytes: UnsafeRawBufferPointer) {
        if transport == .stream, !outgoing.isEmpty {
            unsafe outgoing[outgoing.count - 1].append(contentsOf: bytes)
        } else {
            unsafe outgoing.append([UInt8](bytes))
        }
    }

    private func control(_ command: CInt) -> Int {
        switch command {
        case BIO_CTRL_FLUSH:
            return 1
        case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
            didTimerChange = true
            return 1
        case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
            // The IPv6 and UDP headers, the larger case.
            return 48
        default:
            return 0
        }
    }
}

// MARK: - The C side

extension Wire {
    /// The kind of `BIO` that leads to a wire, to be freed by the caller after the last such `BIO`.
    static func makeMethod() -> OpaquePointer? {
        guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire") else { return nil }
        unsafe BIO_meth_set_read(method) { bio, bytes, capacity in
            unsafe shim_BIO_clear_retry_flags(bio)
            guard let wire = unsafe Wire.behind(bio), let bytes = unsafe bytes, capacity > 0 else { return -1 }
            let target = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: Int(capacity))
            guard let count = unsafe wire.read(into: target) else {
                unsafe shim_BIO_set_retry_read(bio)
                return -1
            }
            return CInt(count)
        }
        unsafe BIO_meth_set_write(method) { bio, bytes, count in
            unsafe shim_BIO_clear_retry_flags(bio)
            guard let wire = unsafe Wire.behind(bio), let bytes = unsafe bytes, count > 0 else { return -1 }
            unsafe wire.write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        unsafe BIO_meth_set_ctrl(method) { bio, command, _, _ in
            unsafe Wire.behind(bio)?.control(command) ?? 0
        }
        unsafe BIO_meth_set_destroy(method) { bio in
            guard let data = unsafe BIO_get_data(bio) else { return 0 }
            unsafe Unmanaged<Wire>.fromOpaque(data).release()
            unsafe BIO_set_data(bio, nil)
            return 1
        }
        return unsafe method
    }

    /// A `BIO` that leads here and keeps this alive.
    func makeBIO(method: OpaquePointer) -> OpaquePointer? {
        guard let bio = unsafe BIO_new(method) else { return nil }
        unsafe BIO_set_data(bio, Unmanaged.passRetained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    /// Starts the retransmission timer at this wire's timeout and doubles it each time, to 60 s (RFC 6347 §4.2.4.1).
    static func setTimerCallback(_ ssl: OpaquePointer) {
        unsafe DTLS_set_timer_cb(ssl) { ssl, microseconds in
            guard microseconds == 0 else { return min(microseconds &* 2, 60_000_000) }
            let timeout = unsafe Wire.behind(SSL_get_rbio(ssl))?.retransmissionTimeout ?? .seconds(1)
            return UInt32(clamping: timeout.nanoseconds / 1000)
        }
    }

    private static func behind(_ bio: OpaquePointer?) -> Wire? {
        guard let data = unsafe BIO_get_data(bio) else { return nil }
        return unsafe Unmanaged<Wire>.fromOpaque(data).takeUnretainedValue()
    }
}

import CLibUV
import NetBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// Requests are boxes: libuv holds one retain from submitting to the single callback, and a box that could not be submitted is
// released on the spot. The memory that libuv writes to lives exactly as long as the box.

/// Bytes on their way into a stream.
@safe
final class WriteRequest {
    private let request: UnsafeMutablePointer<uv_write_t>
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let completion: (Int32) -> Void

    private init(
        _ first: Slice<UnsafeBufferPointer<UInt8>>, _ second: Slice<UnsafeBufferPointer<UInt8>>,
        _ completion: @escaping (Int32) -> Void
    ) {
        unsafe request = .allocate(capacity: 1)
        unsafe bytes = .allocate(capacity: first.count + second.count)
        let middle = unsafe bytes.initialize(fromContentsOf: first)
        _ = unsafe bytes[middle...].initialize(fromContentsOf: second)
        self.completion = completion
    }

    deinit {
        unsafe request.deallocate()
        unsafe bytes.deallocate()
    }

    static func submit(
        _ first: Slice<UnsafeBufferPointer<UInt8>>, _ second: Slice<UnsafeBufferPointer<UInt8>>,
        to stream: UnsafeMutablePointer<uv_stream_t>, _ completion: @escaping (Int32) -> Void
    ) -> Int32 {
        let box = unsafe WriteRequest(first, second, completion)
        let retained = unsafe Unmanaged.passRetained(box)
        unsafe box.request.pointee.data = retained.toOpaque()
        let start = unsafe UnsafeMutableRawPointer(box.bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
        var buffer = unsafe uv_buf_init(start, UInt32(box.bytes.count))
        let status = unsafe uv_write(box.request, stream, &buffer, 1) { request, status in
            guard let request = unsafe request else { return }
            unsafe Unmanaged<WriteRequest>.fromOpaque(request.pointee.data).takeRetainedValue().completion(status)
        }
        if status < 0 { unsafe retained.release() }
        return status
    }
}

/// Lends two pieces of memory, the second perhaps empty, as libuv takes them.
func withTwoBuffers<Result>(
    _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>,
    _ body: (UnsafePointer<uv_buf_t>, UInt32) -> Result
) -> Result {
    unsafe withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: 2) { buffers in
        unsafe buffers.initializeElement(at: 0, to: buffer(first))
        unsafe buffers.initializeElement(at: 1, to: buffer(second))
        guard let start = buffers.baseAddress else { preconditionFailure("there is room for two") }
        return unsafe body(start, second.isEmpty ? 1 : 2)
    }
}

private func buffer(_ bytes: UnsafeBufferPointer<UInt8>) -> uv_buf_t {
    let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
    return unsafe uv_buf_init(start, UInt32(bytes.count))
}

/// A connection on its way.
@safe
final class ConnectRequest {
    private let request: UnsafeMutablePointer<uv_connect_t>
    private let completion: (Int32) -> Void

    private init(_ completion: @escaping (Int32) -> Void) {
        unsafe request = .allocate(capacity: 1)
        self.completion = completion
    }

    deinit {
        unsafe request.deallocate()
    }

    static func submit(
        _ handle: UnsafeMutablePointer<uv_tcp_t>, to remote: TransportAddress, _ completion: @escaping (Int32) -> Void
    ) -> Int32 {
        let box = ConnectRequest(completion)
        let retained = unsafe Unmanaged.passRetained(box)
        unsafe box.request.pointee.data = retained.toOpaque()
        let status = unsafe remote.withSocketAddress { address in
            unsafe uv_tcp_connect(box.request, handle, address) { request, status in
                guard let request = unsafe request else { return }
                unsafe Unmanaged<ConnectRequest>.fromOpaque(request.pointee.data).takeRetainedValue().completion(status)
            }
        }
        if status < 0 { unsafe retained.release() }
        return status
    }
}

/// Ignores SIGPIPE unless the program has set it: libuv writes to streams without MSG_NOSIGNAL.
func ignoreBrokenPipeSignal() {
    _ = isBrokenPipeSignalIgnored
}

private let isBrokenPipeSignalIgnored: Bool = {
    let earlier = signal(SIGPIPE, SIG_IGN)
    guard let earlier, unsafe unsafeBitCast(earlier, to: Int.self) != 1 else { return true }
    signal(SIGPIPE, earlier)
    return false
}()

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

    private init(_ slice: ArraySlice<UInt8>, _ completion: @escaping (Int32) -> Void) {
        unsafe request = .allocate(capacity: 1)
        unsafe bytes = .allocate(capacity: slice.count)
        _ = unsafe bytes.initialize(fromContentsOf: slice)
        self.completion = completion
    }

    deinit {
        unsafe request.deallocate()
        unsafe bytes.deallocate()
    }

    static func submit(
        _ bytes: ArraySlice<UInt8>, to stream: UnsafeMutablePointer<uv_stream_t>,
        _ completion: @escaping (Int32) -> Void
    ) -> Int32 {
        let box = WriteRequest(bytes, completion)
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

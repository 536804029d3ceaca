import CLibUV
import NetBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Waits until the system takes datagrams of a socket again. libuv does so only for datagrams that it sends by itself.
final class RoomWatch: Handle {
    private weak var socket: UDPSocket?
    /// libuv watches a descriptor for one handle: this is another one of the same socket.
    private let descriptor: Int32

    /// Stands by for ``start()``.
    init(for socket: UDPSocket) throws(NetworkError) {
        let operation = "wait for room to send from \(socket.localAddress)"
        let descriptor = dup(socket.descriptor)
        try check(descriptor >= 0 ? 0 : uv_translate_sys_error(errno), operation)
        let memory: UnsafeMutableRawPointer
        do {
            unsafe memory = try unsafe socket.core.open(
                uv_poll_t.self, initialize: { unsafe uv_poll_init($0, $1, descriptor) }, operation: operation)
        } catch {
            _ = systemClose(descriptor)
            throw error
        }
        self.socket = socket
        self.descriptor = descriptor
        unsafe super.init(socket.core, memory)
        keepsLoopAlive = socket.keepsLoopAlive
    }

    /// Waits for room; doing so again changes nothing.
    func start() throws(NetworkError) {
        guard let handle = unsafe handle(as: uv_poll_t.self), unsafe uv_is_active(asHandle(handle)) == 0 else { return }
        let status = unsafe uv_poll_start(handle, Int32(UV_WRITABLE.rawValue)) { handle, status, _ in
            guard let handle = unsafe handle else { return }
            let watch = unsafe owner(RoomWatch.self, of: handle.pointee.data)
            watch.core.turn { watch.isReady(status) }
        }
        try check(status, "wait for room")
    }

    private func isReady(_ status: Int32) {
        if let handle = unsafe handle(as: uv_poll_t.self) { unsafe uv_poll_stop(handle) }
        socket?.hasRoom()
    }

    override func dropClosures() { _ = systemClose(descriptor) }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }

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
///
/// It keeps no loop alive: the socket does, if anybody wants that.
final class RoomWatch: Handle {
    private weak var socket: UDPSocket?
    /// libuv watches a descriptor for one handle: this is another one of the same socket. Nil where the process has none left, and time is
    /// waited for instead.
    let descriptor: Int32?

    private static let millisecondsWithoutDescriptor: UInt64 = 5

    /// Stands by for ``start()``.
    init(
        for socket: UDPSocket, duplicate: (Int32) -> Int32 = { fcntl($0, F_DUPFD_CLOEXEC, 0) }
    ) throws(NetworkError) {
        let operation = "wait for room to send from \(socket.localAddress)"
        // A program that this one starts is to have none of it.
        let descriptor = duplicate(socket.descriptor)
        let memory: UnsafeMutableRawPointer
        if descriptor >= 0,
            let poll = try? unsafe socket.core.open(
                uv_poll_t.self, initialize: { unsafe uv_poll_init($0, $1, descriptor) }, operation: operation)
        {
            unsafe memory = unsafe poll
            self.descriptor = descriptor
        } else {
            if descriptor >= 0 { systemClose(descriptor) }
            self.descriptor = nil
            unsafe memory = try unsafe socket.core.open(
                uv_timer_t.self, initialize: { unsafe uv_timer_init($0, $1) }, operation: operation)
        }
        self.socket = socket
        unsafe super.init(socket.core, memory)
        keepsLoopAlive = false
    }

    /// Waits for room; doing so again changes nothing.
    func start() {
        guard let handle = unsafe handle(as: uv_handle_t.self), unsafe uv_is_active(handle) == 0 else { return }
        if descriptor == nil { startTimer() } else { startPolling() }
    }

    private func startPolling() {
        guard let handle = unsafe handle(as: uv_poll_t.self) else { return }
        _ = unsafe uv_poll_start(handle, Int32(UV_WRITABLE.rawValue)) { handle, status, _ in
            guard let handle = unsafe handle else { return }
            let watch = unsafe owner(RoomWatch.self, of: handle.pointee.data)
            // An error of an earlier datagram, which the socket itself sees to, is no room.
            guard status == 0 else { return watch.startPolling() }
            unsafe uv_poll_stop(handle)
            watch.core.turn { watch.socket?.hasRoom() }
        }
    }

    private func startTimer() {
        guard let handle = unsafe handle(as: uv_timer_t.self) else { return }
        let tell: uv_timer_cb = { handle in
            guard let handle = unsafe handle else { return }
            let watch = unsafe owner(RoomWatch.self, of: handle.pointee.data)
            watch.core.turn { watch.socket?.hasRoom() }
        }
        _ = unsafe uv_timer_start(handle, tell, Self.millisecondsWithoutDescriptor, 0)
    }

    override func dropClosures() {
        if let descriptor { systemClose(descriptor) }
    }
}

private func systemClose(_ descriptor: Int32) { _ = close(descriptor) }

import CLibUV
package import NetBase

/// Watches a descriptor that another library reads: a socket of its own.
package final class DescriptorWatch: Handle {
    /// There is something to read, or an error to fetch.
    package var onReadable: (() -> Void)?

    private var isWatching = false

    /// Stands by for ``start()``. The descriptor stays its owner's, who closes it after this.
    ///
    /// - Throws: `closed` if the loop is, or what the system says of the descriptor.
    package init(on loop: EventLoop, fileDescriptor: Int32) throws(NetworkError) {
        let memory = try unsafe loop.core.open(
            uv_poll_t.self, initialize: { unsafe uv_poll_init($0, $1, fileDescriptor) },
            operation: "watch descriptor \(fileDescriptor)")
        unsafe super.init(loop.core, memory)
    }

    /// Watches until ``stop()``; what is not read is told again on each turn.
    package func start() {
        guard let handle = unsafe handle(as: uv_poll_t.self) else { return }
        isWatching = unsafe Self.watch(handle) == 0
    }

    /// Watches no longer.
    package func stop() {
        isWatching = false
        guard let handle = unsafe handle(as: uv_poll_t.self) else { return }
        unsafe uv_poll_stop(handle)
    }

    override func dropClosures() {
        isWatching = false
        let dropped = onReadable
        onReadable = nil
        withExtendedLifetime(dropped) {}
    }

    private static func watch(_ handle: UnsafeMutablePointer<uv_poll_t>) -> Int32 {
        unsafe uv_poll_start(handle, Int32(UV_READABLE.rawValue)) { handle, status, _ in
            guard let handle = unsafe handle else { return }
            let watch = unsafe owner(DescriptorWatch.self, of: handle.pointee.data)
            watch.core.turn { watch.isReadable(status) }
        }
    }

    private func isReadable(_ status: Int32) {
        onReadable?()
        // libuv takes a socket's pending error for the end of it, and has stopped to watch.
        if status < 0, isWatching { start() }
    }
}

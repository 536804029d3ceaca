import CLibUV
import NetBase

/// What timers, sockets, streams and listeners have in common: something open on an ``EventLoop``.
///
/// A handle lives until ``close()``, or until its loop is closed or let go: the loop keeps it alive, so letting go of the last
/// reference to an open handle neither closes nor frees it, and its events go on. All methods belong on the loop's thread.
@safe
public class Handle {
    let core: LoopCore

    // Allocated once, nil as soon as closing has begun, and freed in libuv's close callback.
    private var memory: UnsafeMutablePointer<uv_handle_t>?

    /// Takes over an initialised handle, or stands for one that is closed already.
    init(_ core: LoopCore, _ memory: UnsafeMutableRawPointer?) {
        self.core = core
        unsafe self.memory = memory?.assumingMemoryBound(to: uv_handle_t.self)
        guard let memory = unsafe self.memory else { return }
        // The one retain; the one release is in the close callback.
        unsafe memory.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe core.handles.insert(memory)
    }

    /// Whether ``close()`` was called, here or by the loop.
    public final var isClosed: Bool { unsafe memory == nil }

    /// Whether `run()` goes on for as long as this is open and active; true unless changed.
    public final var keepsLoopAlive: Bool {
        get { unsafe memory.map { unsafe uv_has_ref($0) != 0 } ?? false }
        set {
            guard let memory = unsafe memory else { return }
            if newValue { unsafe uv_ref(memory) } else { unsafe uv_unref(memory) }
        }
    }

    /// Closes the handle and drops its closures; no event comes after this. Closing again does nothing.
    public final func close() {
        guard let memory = unsafe memory else { return }
        willClose()
        unsafe self.memory = nil
        unsafe core.handles.remove(memory)
        unsafe closeAndFree(memory)
        dropClosures()
    }

    /// Called while the handle is still open, for those that other threads know.
    func willClose() {}

    /// Another thread has woken the handle.
    func wake() {}

    /// Lets go of the user's closures, which may own this handle.
    func dropClosures() {}

    /// The handle as the libuv type that its subclass made; nil once closed.
    final func handle<Raw>(as type: Raw.Type) -> UnsafeMutablePointer<Raw>? {
        unsafe memory.map { unsafe UnsafeMutableRawPointer($0).assumingMemoryBound(to: type) }
    }

    final func openHandle<Raw>(
        as type: Raw.Type, _ operation: @autoclosure () -> String
    ) throws(NetworkError) -> UnsafeMutablePointer<Raw> {
        guard let memory = unsafe handle(as: type) else { throw .closed(operation()) }
        return unsafe memory
    }
}

extension LoopCore {
    /// Allocates a handle and sets it up; what fails on the way is closed and freed.
    func open<Raw>(
        _ type: Raw.Type, initialize: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutablePointer<Raw>) -> Int32,
        configure: (UnsafeMutablePointer<Raw>) throws(NetworkError) -> Void = { _ in },
        operation: @autoclosure () -> String
    ) throws(NetworkError) -> UnsafeMutableRawPointer {
        guard isOpen else { throw .closed(operation()) }
        let memory = UnsafeMutablePointer<Raw>.allocate(capacity: 1)
        let status = unsafe initialize(loop, memory)
        guard status == 0 else {
            unsafe memory.deallocate()
            throw NetworkError(status: status, operation())
        }
        unsafe asHandle(memory).pointee.data = nil
        do {
            try unsafe configure(memory)
        } catch {
            unsafe closeAndFree(asHandle(memory))
            throw error
        }
        return UnsafeMutableRawPointer(memory)
    }
}

func asHandle<Raw>(_ pointer: UnsafeMutablePointer<Raw>) -> UnsafeMutablePointer<uv_handle_t> {
    unsafe UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_handle_t.self)
}

/// The object that a handle's or request's data points to, without a change of its reference count.
func owner<Owner: AnyObject>(_ type: Owner.Type, of data: UnsafeMutableRawPointer?) -> Owner {
    guard let data = unsafe data else { preconditionFailure("a libuv callback came without its owner") }
    return unsafe Unmanaged<Owner>.fromOpaque(data).takeUnretainedValue()
}

/// Closes a handle; its memory and its owner's retain go in the close callback, the last that libuv makes for it.
func closeAndFree(_ handle: UnsafeMutablePointer<uv_handle_t>) {
    unsafe uv_close(handle) { handle in
        guard let handle = unsafe handle else { return }
        let data = unsafe handle.pointee.data
        unsafe handle.deallocate()
        if let data = unsafe data { unsafe Unmanaged<AnyObject>.fromOpaque(data).release() }
    }
}

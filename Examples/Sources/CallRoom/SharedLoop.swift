import CHiredis
import ICE

/// A loop that the program made itself, so that hiredis can be on it beside the ICE client.
@safe
final class SharedLoop {
    let events: EventLoop
    let pointer: UnsafeMutablePointer<uv_loop_t>

    init() throws {
        unsafe pointer = .allocate(capacity: 1)
        guard unsafe uv_loop_init(pointer) == 0 else {
            unsafe pointer.deallocate()
            throw RoomError("no event loop can be opened: too many files are open, or memory is full")
        }
        events = try unsafe EventLoop(adopting: pointer)
    }

    /// Closes what is on it, and then the loop: an adopted one has to be turned once more by whoever made it.
    func close() {
        events.close()
        while unsafe uv_run(pointer, UV_RUN_DEFAULT) != 0 {}
        let status = unsafe uv_loop_close(pointer)
        precondition(status == 0, "something was left open on the loop")
        unsafe pointer.deallocate()
    }
}

public import CLibUV
import CSwiftICE
import ICE

// The functions of swift_ice.h about loops: the whole of their documentation is there.

/// Prepares a libuv loop for clients.
@c @implementation
public func swift_ice_loop_adopt(
    _ loop: UnsafeMutablePointer<uv_loop_s>?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    guard let loop = unsafe loop, let result = unsafe result else { return Status.invalidArgument.rawValue }
    do throws(NetworkError) {
        let handle = try unsafe LoopHandle(EventLoop(adopting: loop))
        unsafe result.pointee = unsafe handOut(handle)
        return Status.ok.rawValue
    } catch {
        return Status.system.rawValue
    }
}

/// Closes all clients on the loop, and takes the handle back.
@c @implementation
public func swift_ice_loop_free(_ loop: OpaquePointer?) {
    unsafe takeBack(loop, as: LoopHandle.self)?.close()
}

/// The words for the last call that failed on the loop.
@c @implementation
public func swift_ice_error_message(_ loop: OpaquePointer?) -> UnsafePointer<CChar>? {
    guard let handle = unsafe object(loop, as: LoopHandle.self) else {
        return unsafe constant("there is no loop: the handle is null")
    }
    return unsafe handle.lastErrorMessage
}

/// The name of a code.
@c @implementation
public func swift_ice_status_name(_ status: Int32) -> UnsafePointer<CChar>? {
    unsafe constant(Status.name(status))
}

/// The name of a state.
@c @implementation
public func swift_ice_state_name(_ state: Int32) -> UnsafePointer<CChar>? {
    unsafe constant(ICEState.name(state))
}

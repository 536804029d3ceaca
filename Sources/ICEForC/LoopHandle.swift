import CSwiftICE
import ICE

/// What a `swift_ice_loop` points to: a libuv loop of a C program, and the clients on it.
///
/// The handle has one retain, from `swift_ice_loop_adopt` to `swift_ice_loop_free`; clients have theirs.
final class LoopHandle {
    let loop: EventLoop
    private var errorMessage = OwnedText("")
    private var clients: [WeakClient] = []

    private struct WeakClient {
        weak var client: ClientHandle?
    }

    init(_ loop: EventLoop) { self.loop = loop }

    func keep(_ client: ClientHandle) {
        clients.removeAll { $0.client == nil }
        clients.append(WeakClient(client: client))
    }

    /// Closes everything; clients that C still holds are closed ones from then on.
    func close() {
        for client in clients { client.client?.close() }
        clients = []
        loop.close()
    }

    /// Keeps the words of a fault, and returns its code.
    func note(_ fault: Fault) -> Int32 {
        errorMessage = OwnedText(fault.message)
        return fault.status.rawValue
    }

    var lastErrorMessage: UnsafePointer<CChar> { unsafe errorMessage.pointer }
}

// MARK: - Handles

/// Hands an object out to C, which owns it until it is taken back.
func handOut(_ object: AnyObject) -> OpaquePointer {
    unsafe OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// The object behind a handle, for the length of a call.
func object<Object: AnyObject>(_ handle: OpaquePointer?, as type: Object.Type) -> Object? {
    guard let handle = unsafe handle else { return nil }
    return unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

/// Takes an object back from C.
func takeBack<Object: AnyObject>(_ handle: OpaquePointer?, as type: Object.Type) -> Object? {
    guard let handle = unsafe handle else { return nil }
    return unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeRetainedValue()
}

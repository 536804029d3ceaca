import CLibUV
import CSwiftICE

/// What a C program has: a libuv loop of its own, and swift-ice on it.
final class CProgram {
    let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    private(set) var ice: OpaquePointer?

    init() {
        precondition(uv_loop_init(loop) == 0)
        precondition(swift_ice_loop_adopt(loop, &ice) == SWIFT_ICE_OK && ice != nil)
    }

    var errorMessage: String { String(cString: swift_ice_error_message(ice)) }

    /// Turns the loop until a condition holds, or ten seconds have passed.
    func run(until condition: () -> Bool) -> Bool {
        var timer = uv_timer_t()
        return withUnsafeMutablePointer(to: &timer) { timer in
            // Wakes the loop when time is up, which is looked at below.
            uv_timer_init(loop, timer)
            uv_update_time(loop)
            uv_timer_start(timer, { _ in }, 10_000, 0)
            while !condition(), uv_is_active(asHandle(timer)) != 0 { uv_run(loop, UV_RUN_ONCE) }
            uv_close(asHandle(timer), nil)
            uv_run(loop, UV_RUN_NOWAIT)
            return condition()
        }
    }

    private func asHandle(_ timer: UnsafeMutablePointer<uv_timer_t>) -> UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(timer).assumingMemoryBound(to: uv_handle_t.self)
    }

    /// Gives everything back; whether nothing was left on the loop.
    func end() -> Bool {
        swift_ice_loop_free(ice)
        uv_run(loop, UV_RUN_DEFAULT)
        defer { loop.deallocate() }
        return uv_loop_close(loop) == 0
    }
}

/// A client as a C program has it, and what its callbacks were told.
final class CClient {
    private(set) var handle: OpaquePointer?
    var candidates: [String] = []
    var hasAllCandidates = false
    var states: [Int] = []
    var failure: String?
    /// Why each state was told that is a failure.
    var reasons: [String] = []
    var selected: [String] = []
    var nominated: [String] = []
    var failedPairs: [String] = []
    var received: [[UInt8]] = []
    var errors: [String] = []
    var restartReasons: [String] = []
    /// Called in each callback.
    var onCallback: (() -> Void)?
    weak var peer: CClient?

    init(_ program: CProgram, role: Int, configure: (inout swift_ice_config) -> Void = { _ in }) {
        var config = configuration(role)
        configure(&config)
        let status = swift_ice_client_create(program.ice, &config, &handle)
        precondition(status == SWIFT_ICE_OK, program.errorMessage)
    }

    func configuration(_ role: Int) -> swift_ice_config {
        var config = swift_ice_config()
        config.size = MemoryLayout<swift_ice_config>.size
        config.user_data = Unmanaged.passUnretained(self).toOpaque()
        config.role = Int32(role)
        config.includes_loopback = 1
        config.on_candidate = { context, line in
            with(context) { client in
                if let line {
                    client.candidates.append(String(cString: line))
                    _ = swift_ice_client_add_remote_candidate(client.peer?.handle, line)
                } else {
                    client.hasAllCandidates = true
                    _ = swift_ice_client_end_remote_candidates(client.peer?.handle)
                }
            }
        }
        config.on_state = { context, state, failure in
            with(context) { client in
                client.states.append(Int(state))
                client.failure = failure.map { String(cString: $0) }
                if let failure { client.reasons.append(String(cString: failure)) }
            }
        }
        config.on_selected_pair = { context, local, remote in
            with(context) { $0.selected.append("\(text(local)) - \(text(remote))") }
        }
        config.on_nominated_pair = { context, local, remote in
            with(context) { $0.nominated.append("\(text(local)) - \(text(remote))") }
        }
        config.on_failed_pair = { context, local, remote, reason in
            with(context) { $0.failedPairs.append("\(text(local)) - \(text(remote)): \(text(reason))") }
        }
        config.on_candidate_error = { context, error in
            with(context) { client in
                guard let told = error?.pointee else { return }
                client.errors.append("\(text(told.url)) \(told.code) \(text(told.text))")
            }
        }
        config.on_restart_needed = { context, reason in with(context) { $0.restartReasons.append(text(reason)) } }
        config.on_data = { context, bytes, count in
            with(context) { $0.received.append([UInt8](UnsafeBufferPointer(start: bytes, count: count))) }
        }
        return config
    }

    func introduce(to peer: CClient) -> Int32 {
        self.peer = peer
        return swift_ice_client_set_remote_parameters(
            peer.handle, swift_ice_client_local_ufrag(handle), swift_ice_client_local_pwd(handle),
            swift_ice_client_local_options(handle), 0)
    }

    func start() {
        _ = swift_ice_client_gather(handle)
        _ = swift_ice_client_process(handle)
    }

    func send(_ bytes: [UInt8]) -> Int32 { swift_ice_client_send(handle, bytes, bytes.count) }

    var state: Int { Int(swift_ice_client_state(handle)) }

    func free() {
        swift_ice_client_free(handle)
        handle = nil
    }
}

private func with(_ context: UnsafeMutableRawPointer?, _ body: (CClient) -> Void) {
    guard let context else { return }
    let client = Unmanaged<CClient>.fromOpaque(context).takeUnretainedValue()
    body(client)
    client.onCallback?()
}

private func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }

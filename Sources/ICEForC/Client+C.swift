public import CSwiftICE
import ICE

// The functions of swift_ice.h about clients: the whole of their documentation is there.

// MARK: - Life

/// Makes a client.
@c @implementation
public func swift_ice_client_create(
    _ loop: OpaquePointer?, _ config: UnsafePointer<swift_ice_config>?,
    _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    guard let handle = unsafe object(loop, as: LoopHandle.self) else { return Status.invalidArgument.rawValue }
    guard let config = unsafe config, let result = unsafe result else {
        return handle.note(Fault(.invalidArgument, "the configuration or the result is null"))
    }
    do throws(Fault) {
        let settings = try unsafe ClientSettings(config)
        unsafe result.pointee = unsafe handOut(ClientHandle(on: handle, settings))
        return Status.ok.rawValue
    } catch {
        return handle.note(error)
    }
}

/// Ends the session.
@c @implementation
public func swift_ice_client_close(_ client: OpaquePointer?) -> Int32 {
    guard let handle = unsafe object(client, as: ClientHandle.self) else { return Status.invalidArgument.rawValue }
    handle.close()
    return Status.ok.rawValue
}

/// Closes the client, and takes the handle back.
@c @implementation
public func swift_ice_client_free(_ client: OpaquePointer?) {
    unsafe takeBack(client, as: ClientHandle.self)?.close()
}

// MARK: - Signalling

/// The username fragment to signal.
@c @implementation
public func swift_ice_client_local_ufrag(_ client: OpaquePointer?) -> UnsafePointer<CChar>? {
    unsafe object(client, as: ClientHandle.self)?.localText(\.usernameFragment)
}

/// The password to signal. A secret.
@c @implementation
public func swift_ice_client_local_pwd(_ client: OpaquePointer?) -> UnsafePointer<CChar>? {
    unsafe object(client, as: ClientHandle.self)?.localText(\.password)
}

/// The tokens of `ice-options` to signal.
@c @implementation
public func swift_ice_client_local_options(_ client: OpaquePointer?) -> UnsafePointer<CChar>? {
    unsafe object(client, as: ClientHandle.self)?.localText(\.options)
}

/// Takes what the peer signalled.
@c @implementation
public func swift_ice_client_set_remote_parameters(
    _ client: OpaquePointer?, _ ufrag: UnsafePointer<CChar>?, _ pwd: UnsafePointer<CChar>?,
    _ options: UnsafePointer<CChar>?, _ is_lite: Int32
) -> Int32 {
    unsafe perform(client) { client in
        let options = try unsafe readOptional(options, "options") ?? ""
        try unsafe client.setRemoteParameters(
            ICEParameters(
                usernameFragment: read(ufrag, "ufrag"), password: read(pwd, "pwd"),
                options: options.split(separator: " ").map(String.init), isLite: is_lite != 0))
    }
}

/// Adds a candidate line of the peer.
@c @implementation
public func swift_ice_client_add_remote_candidate(_ client: OpaquePointer?, _ candidate: UnsafePointer<CChar>?) -> Int32
{
    unsafe perform(client) { client in
        let line = try unsafe read(candidate, "candidate")
        guard line.contains(where: { !$0.isWhitespace }) else {
            throw Fault(
                .malformed, "the candidate is empty; swift_ice_client_end_remote_candidates says that there are no more"
            )
        }
        try client.addRemoteCandidate(line)
    }
}

/// The peer has no more candidates.
@c @implementation
public func swift_ice_client_end_remote_candidates(_ client: OpaquePointer?) -> Int32 {
    unsafe perform(client) { $0.addRemoteCandidate(nil as Candidate?) }
}

// MARK: - Work

/// Begins to gather candidates.
@c @implementation
public func swift_ice_client_gather(_ client: OpaquePointer?) -> Int32 {
    unsafe perform(client) { $0.gatherCandidates() }
}

/// Begins the checks.
@c @implementation
public func swift_ice_client_process(_ client: OpaquePointer?) -> Int32 {
    unsafe perform(client) { $0.processCandidates() }
}

/// Sends one datagram.
@c @implementation
public func swift_ice_client_send(_ client: OpaquePointer?, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int32 {
    unsafe perform(client) { client in
        guard count >= 0, unsafe bytes != nil || count == 0 else { throw Fault(.invalidArgument, "bytes is null") }
        // No datagram has more, and what takes it counts in 32 bits.
        guard count <= 65535 else {
            throw Fault(
                .messageTooLarge, "\(count) bytes: a datagram has 65535 at most, and 1200 pass nearly everywhere")
        }
        let buffer = unsafe UnsafeBufferPointer(start: bytes?.assumingMemoryBound(to: UInt8.self), count: count)
        try client.send(unsafe buffer.span)
    }
}

/// Begins a new generation.
@c @implementation
public func swift_ice_client_restart(_ client: OpaquePointer?) -> Int32 {
    unsafe perform(client) { $0.restart() }
}

/// How far the session has come.
@c @implementation
public func swift_ice_client_state(_ client: OpaquePointer?) -> Int32 {
    (unsafe object(client, as: ClientHandle.self)?.client?.state ?? .closed).number
}

private func perform(_ client: OpaquePointer?, _ work: (ICEClient) throws -> Void) -> Int32 {
    guard let handle = unsafe object(client, as: ClientHandle.self) else { return Status.invalidArgument.rawValue }
    return handle.perform(work)
}

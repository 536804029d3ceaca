import CLibUV
public import NetBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension EventLoop {
    /// Looks up the addresses of a host name with the system's resolver, on libuv's thread pool.
    ///
    /// The answer comes once, on a later turn, in the system's order of preference (RFC 6724) and without duplicates. An IP
    /// address as text is its own answer. There is no answer after ``NameLookup/cancel()`` or once the loop is closed.
    ///
    /// ```swift
    /// loop.resolve("stun.example.org") { result in
    ///     switch result {
    ///     case .success(let addresses): print(addresses)
    ///     case .failure(let error): print(error)
    ///     }
    /// }
    /// ```
    @discardableResult
    public func resolve(
        _ host: String, family: IPAddress.Family? = nil,
        onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) -> NameLookup {
        let lookup = NameLookup(host, family, core, onResult)
        lookup.start()
        return lookup
    }
}

/// A look-up of a host name that is under way.
///
/// It keeps itself alive until it has its answer; letting go of it does not cancel it.
@safe
public final class NameLookup {
    private let host: String
    private let family: IPAddress.Family?
    private let core: LoopCore
    private var onResult: ((Result<[IPAddress], NetworkError>) -> Void)?
    // libuv's until the callback, whatever happens before; freed there.
    private var request: UnsafeMutablePointer<uv_getaddrinfo_t>?

    init(
        _ host: String, _ family: IPAddress.Family?, _ core: LoopCore,
        _ onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) {
        self.host = host
        self.family = family
        self.core = core
        self.onResult = onResult
    }

    /// Gives the look-up up: its closure is dropped and not called.
    ///
    /// One that a thread is in the middle of goes on there unseen until the system's resolver returns, and keeps the loop
    /// alive until then.
    public func cancel() {
        let dropped = onResult
        onResult = nil
        withExtendedLifetime(dropped) {}
        guard let request = unsafe request else { return }
        unsafe UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) { request in
            _ = unsafe uv_cancel(request)
        }
    }

    func start() {
        guard core.isOpen else { return cancel() }
        if let ip = IPAddress(host) {
            let fits = family == nil || family == ip.family
            deliverLater(fits ? .success([ip]) : .failure(error(UV_EAI_ADDRFAMILY.rawValue)))
            return
        }
        // The system takes a C string, which ends at the first zero.
        guard !host.isEmpty, !host.utf8.contains(0) else {
            return deliverLater(.failure(error(UV_EAI_NONAME.rawValue)))
        }
        let status = submit()
        if status < 0 { deliverLater(.failure(error(status))) }
    }

    private func submit() -> Int32 {
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        var hints = unsafe addrinfo()
        unsafe hints.ai_family =
            switch family {
            case .v4: SocketConstant.familyV4
            case .v6: SocketConstant.familyV6
            case nil: Int32(AF_UNSPEC)
            }
        // One entry per address, not one per kind of socket.
        unsafe hints.ai_socktype = SocketConstant.datagram
        let status = unsafe uv_getaddrinfo(
            core.loop, request,
            { request, status, list in
                guard let request = unsafe request else { return }
                let lookup = unsafe Unmanaged<NameLookup>.fromOpaque(request.pointee.data).takeRetainedValue()
                unsafe request.deallocate()
                unsafe lookup.request = nil
                lookup.core.lookups[ObjectIdentifier(lookup)] = nil
                let addresses = unsafe addresses(in: list)
                unsafe uv_freeaddrinfo(list)
                lookup.core.turn {
                    lookup.deliver(status < 0 ? .failure(lookup.error(status)) : .success(addresses))
                }
            }, host, nil, &hints)
        if status < 0 {
            unsafe Unmanaged<NameLookup>.fromOpaque(request.pointee.data).release()
            unsafe request.deallocate()
        } else {
            unsafe self.request = unsafe request
            core.lookups[ObjectIdentifier(self)] = self
        }
        return status
    }

    private func deliverLater(_ result: Result<[IPAddress], NetworkError>) {
        core.enqueue { self.deliver(result) }
    }

    private func deliver(_ result: Result<[IPAddress], NetworkError>) {
        let onResult = self.onResult
        self.onResult = nil
        onResult?(result)
    }

    private func error(_ status: Int32) -> NetworkError {
        NetworkError(status: status, "resolve \(host)")
    }
}

private func addresses(in list: UnsafeMutablePointer<addrinfo>?) -> [IPAddress] {
    var addresses: [IPAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
        if let address = unsafe entry.pointee.ai_addr, let ip = unsafe TransportAddress(address)?.ip.unmapped,
            !addresses.contains(ip)
        {
            addresses.append(ip)
        }
        unsafe next = unsafe entry.pointee.ai_next
    }
    return addresses
}

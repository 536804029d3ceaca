import CLibUV
public import NetBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The numbers of socket options, as `Int32` on every system.
enum SocketConstant {
    static let familyV4 = Int32(AF_INET)
    static let familyV6 = Int32(AF_INET6)
    #if canImport(Glibc)
        static let datagram = Int32(SOCK_DGRAM.rawValue)
    #else
        static let datagram = Int32(SOCK_DGRAM)
    #endif
    static let socketLevel = Int32(SOL_SOCKET)
    static let reusePort = Int32(SO_REUSEPORT)
    static let linger = Int32(SO_LINGER)

    /// TCP_NOTSENT_LOWAT, which headers hide or lack.
    static var unsentLowWater: Int32? {
        #if os(Linux)
            25
        #elseif canImport(Darwin)
            0x201
        #else
            nil
        #endif
    }

    /// What libuv has to know to make a TCP socket at once; 0 leaves it to the first call that needs one. Options that go before the
    /// binding need a socket.
    static func family(_ address: TransportAddress, sharesPort: Bool) -> UInt32 {
        guard sharesPort else { return 0 }
        return UInt32(address.family == .v4 ? familyV4 : familyV6)
    }

    /// The byte with DSCP and ECN: IP_TOS, or IPV6_TCLASS, which Darwin's headers hide.
    static func typeOfService(_ family: IPAddress.Family) -> (level: Int32, option: Int32) {
        guard family == .v6 else { return (Int32(IPPROTO_IP), Int32(IP_TOS)) }
        #if canImport(Darwin)
            return (Int32(IPPROTO_IPV6), 36)
        #else
            return (Int32(IPPROTO_IPV6), Int32(IPV6_TCLASS))
        #endif
    }

    #if os(Linux)
        static let forcedReceiveBuffer: Int32 = 33  // SO_RCVBUFFORCE
        static let errorQueueFlag: Int32 = 0x2000  // MSG_ERRQUEUE
        static let originICMP: UInt8 = 2  // SO_EE_ORIGIN_ICMP
        static let originICMPv6: UInt8 = 3  // SO_EE_ORIGIN_ICMP6

        static func receiveErrors(_ family: IPAddress.Family) -> (level: Int32, option: Int32) {
            family == .v4 ? (Int32(IPPROTO_IP), Int32(IP_RECVERR)) : (Int32(IPPROTO_IPV6), Int32(IPV6_RECVERR))
        }
    #endif
}

extension Handle {
    static func fileDescriptor(
        of handle: UnsafeMutablePointer<uv_handle_t>, _ operation: @autoclosure () -> String
    ) throws(NetworkError) -> Int32 {
        var descriptor: uv_os_fd_t = -1
        try check(unsafe uv_fileno(handle, &descriptor), operation())
        return descriptor
    }

    static func setOption(
        _ level: Int32, _ option: Int32, _ value: Int32, of descriptor: Int32, _ operation: @autoclosure () -> String
    ) throws(NetworkError) {
        var value = value
        let result = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        try check(result == 0 ? 0 : uv_translate_sys_error(errno), operation())
    }

    static func option(
        _ level: Int32, _ option: Int32, of descriptor: Int32, _ operation: @autoclosure () -> String
    ) throws(NetworkError) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(descriptor, level, option, &value, &length)
        try check(result == 0 ? 0 : uv_translate_sys_error(errno), operation())
        return value
    }
}

extension TCPStream {
    /// Lets the system take no more than about so many bytes that can't be sent yet (TCP_NOTSENT_LOWAT), instead of the megabytes that fit
    /// into its buffer: the rest counts as ``unsentByteCount``, where it can still be decided what goes next. Systems without that take more.
    public func limitUnsent(to byteCount: Int) {
        guard let option = SocketConstant.unsentLowWater, let handle = unsafe handle(as: uv_handle_t.self),
            let descriptor = try? unsafe Self.fileDescriptor(of: handle, "limit what is unsent")
        else { return }
        try? Self.setOption(
            Int32(IPPROTO_TCP), option, Int32(clamping: max(1, byteCount)), of: descriptor, "limit what is unsent")
    }

    /// Lets closing reset the connection (SO_LINGER of 0 s). A socket that the system has taken away needs nothing.
    static func setNoLinger(of handle: UnsafeMutablePointer<uv_handle_t>) {
        guard let descriptor = try? unsafe fileDescriptor(of: handle, "reset") else { return }
        var setting = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(
            descriptor, SocketConstant.socketLevel, SocketConstant.linger, &setting,
            socklen_t(MemoryLayout<linger>.size))
    }
}

/// Lets sockets that ask for the same be bound to one port; libuv adds SO_REUSEADDR.
func sharePort(
    of handle: UnsafeMutablePointer<uv_tcp_t>, _ operation: @autoclosure () -> String
) throws(NetworkError) {
    let descriptor = try unsafe Handle.fileDescriptor(of: asHandle(handle), operation())
    try Handle.setOption(SocketConstant.socketLevel, SocketConstant.reusePort, 1, of: descriptor, operation())
}

extension UDPSocket {
    /// The size of the system's buffer for datagrams to send, in bytes; Linux counts twice what was asked for.
    public var sendBufferSize: Int {
        get throws(NetworkError) { try unsafe bufferSize(0, "send", uv_send_buffer_size) }
    }

    /// The size of the system's buffer for datagrams that arrived, in bytes; Linux counts twice what was asked for.
    public var receiveBufferSize: Int {
        get throws(NetworkError) { try unsafe bufferSize(0, "receive", uv_recv_buffer_size) }
    }

    /// Asks for a size of the buffer for datagrams to send, in bytes; the system may bound it without an error.
    public func setSendBufferSize(_ size: Int) throws(NetworkError) {
        hasGivenBuffers = false
        _ = try unsafe bufferSize(max(1, size), "send", uv_send_buffer_size)
    }

    /// Asks for a size of the buffer for datagrams that arrived, in bytes; the system may bound it without an error.
    ///
    /// Linux bounds it by `net.core.rmem_max`, but not for a process with CAP_NET_ADMIN.
    public func setReceiveBufferSize(_ size: Int) throws(NetworkError) {
        hasGivenBuffers = false
        #if os(Linux)
            let descriptor = try openDescriptor("receive buffer size of \(localAddress)")
            let isForced: Void? = try? Self.setOption(
                SocketConstant.socketLevel, SocketConstant.forcedReceiveBuffer, Int32(clamping: max(1, size)),
                of: descriptor, "force the receive buffer")
            if isForced != nil { return }
        #endif
        _ = try unsafe bufferSize(max(1, size), "receive", uv_recv_buffer_size)
    }

    private func bufferSize(
        _ size: Int, _ direction: String,
        _ call: (UnsafeMutablePointer<uv_handle_t>?, UnsafeMutablePointer<Int32>?) -> Int32
    ) throws(NetworkError) -> Int {
        let operation = { "\(direction) buffer size of \(self.localAddress)" }
        var value = Int32(clamping: size)
        let socket = try unsafe openHandle(as: uv_udp_t.self, operation())
        try check(unsafe call(asHandle(socket), &value), operation())
        return Int(value)
    }

    /// Asks for buffers of at least these sizes, in bytes; nil leaves one as it is. The system may bound them without an error.
    package func growBuffers(receive: Int?, send: Int?) throws(NetworkError) {
        let present = try bufferSizes()
        if let receive, present.receive < receive { try setReceiveBufferSize(receive) }
        if let send, present.send < send { try setSendBufferSize(send) }
    }

    /// What the system gives to every new socket is asked for once.
    private func bufferSizes() throws(NetworkError) -> (receive: Int, send: Int) {
        if hasGivenBuffers, let given = core.givenBuffers { return given }
        let sizes = (receive: try receiveBufferSize, send: try sendBufferSize)
        if hasGivenBuffers { core.givenBuffers = sizes }
        return sizes
    }

    /// The IPv4 type of service or IPv6 traffic class of what is sent: DSCP in the upper 6 bits, ECN in the lower 2.
    public var typeOfService: UInt8 {
        get throws(NetworkError) {
            let operation = "type of service of \(localAddress)"
            let descriptor = try openDescriptor(operation)
            let (level, option) = SocketConstant.typeOfService(localAddress.family)
            return UInt8(truncatingIfNeeded: try Self.option(level, option, of: descriptor, operation))
        }
    }

    /// Sets the IPv4 type of service or IPv6 traffic class of what is sent.
    public func setTypeOfService(_ value: UInt8) throws(NetworkError) {
        let operation = "type of service of \(localAddress)"
        let descriptor = try openDescriptor(operation)
        let (level, option) = SocketConstant.typeOfService(localAddress.family)
        try Self.setOption(level, option, Int32(value), of: descriptor, operation)
    }
}

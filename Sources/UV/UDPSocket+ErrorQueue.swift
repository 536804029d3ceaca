import CLibUV
import NetBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// Without IP_RECVERR Linux tells a socket that is not connected nothing about ICMP errors. With it each error is put into the
// socket's error queue, together with the destination it is about, and set as the socket's pending error, which the next system
// call returns whatever destination that one is about. libuv (1.44) passes the pending error on and leaves the queue alone.

extension UDPSocket {
    /// Whether an error is of the kind that ICMP causes, and so may be that of an earlier datagram to another destination.
    static func mayBelongToEarlierDatagram(_ status: Int32) -> Bool {
        guard status < 0 else { return false }
        return switch uv_errno_t(status) {
        case UV_ECONNREFUSED, UV_EHOSTUNREACH, UV_ENETUNREACH, UV_EHOSTDOWN, UV_ENONET, UV_ENOPROTOOPT, UV_EPROTO,
            UV_EACCES, UV_EMSGSIZE, UV_ENOTSUP:
            true
        default: false
        }
    }

    #if os(Linux)
        static let hasErrorQueue = true

        /// Asks for ICMP errors.
        static func reportErrors(
            to descriptor: Int32, _ family: IPAddress.Family, _ operation: @autoclosure () -> String
        ) throws(NetworkError) {
            let (level, option) = SocketConstant.receiveErrors(family)
            try setOption(level, option, 1, of: descriptor, operation())
        }

        /// Reports what is in the error queue to ``onUnreachable``; how many entries there were.
        ///
        /// Bounded, so that a flood of errors does not hold the loop up: the socket stays ready while there are more.
        func drainErrorQueue() -> Int {
            var count = 0
            while count < 64, !isClosed, let entry = Self.nextError(descriptor, localAddress.family) {
                count += 1
                guard let destination = entry.destination?.unmapped, entry.isFromNetwork else { continue }
                onUnreachable?(destination, NetworkError(status: entry.status, "send to \(destination)"))
            }
            return count
        }

        private struct QueuedError {
            var destination: TransportAddress?
            var status: Int32
            /// False for errors of this machine, which the call to send has thrown already.
            var isFromNetwork: Bool
        }

        private static func nextError(_ descriptor: Int32, _ family: IPAddress.Family) -> QueuedError? {
            var name = sockaddr_storage()
            return unsafe withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { control -> QueuedError? in
                unsafe withUnsafeMutablePointer(to: &name) { name -> QueuedError? in
                    var message = unsafe msghdr()
                    unsafe message.msg_name = UnsafeMutableRawPointer(name)
                    unsafe message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = .init(control.count)
                    let received = unsafe recvmsg(descriptor, &message, SocketConstant.errorQueueFlag)
                    guard received >= 0 else { return nil }
                    let used = unsafe UnsafeRawBufferPointer(rebasing: control[..<Int(message.msg_controllen)])
                    var entry = unsafe extendedError(in: used, family) ?? QueuedError(status: 0, isFromNetwork: false)
                    entry.destination = unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe TransportAddress($0)
                    }
                    return entry
                }
            }
        }

        /// Finds the `sock_extended_err` among the control messages.
        private static func extendedError(in control: UnsafeRawBufferPointer, _ family: IPAddress.Family)
            -> QueuedError?
        {
            let alignment = MemoryLayout<Int>.size
            let headerSize = (MemoryLayout<cmsghdr>.size + alignment - 1) / alignment * alignment
            let wanted = SocketConstant.receiveErrors(family)
            var offset = 0
            while offset + headerSize + MemoryLayout<UInt64>.size <= control.count {
                let header = unsafe control.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
                let length = Int(header.cmsg_len)
                guard length >= headerSize else { return nil }
                if header.cmsg_level == wanted.level, header.cmsg_type == wanted.option {
                    // struct sock_extended_err { u32 ee_errno; u8 ee_origin; … }
                    let errorNumber = unsafe control.loadUnaligned(fromByteOffset: offset + headerSize, as: UInt32.self)
                    let origin = unsafe control[offset + headerSize + MemoryLayout<UInt32>.size]
                    let isFromNetwork = origin == SocketConstant.originICMP || origin == SocketConstant.originICMPv6
                    return QueuedError(status: -Int32(truncatingIfNeeded: errorNumber), isFromNetwork: isFromNetwork)
                }
                offset += (length + alignment - 1) / alignment * alignment
            }
            return nil
        }
    #else
        static let hasErrorQueue = false

        static func reportErrors(
            to descriptor: Int32, _ family: IPAddress.Family, _ operation: @autoclosure () -> String
        ) throws(NetworkError) {}

        func drainErrorQueue() -> Int { 0 }
    #endif
}

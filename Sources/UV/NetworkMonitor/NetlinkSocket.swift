import CLibUV
import NetBase

#if os(Linux)
    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// A NETLINK_ROUTE socket that hears of changes to links, addresses and routes; whoever made it closes it.
    struct NetlinkSocket {
        /// What came of an attempt to receive.
        enum Reception {
            case datagram
            /// There is nothing more.
            case nothing
            /// The kernel had to drop notices, or one did not fit.
            case loss
        }

        let descriptor: Int32

        /// struct sockaddr_nl.
        private struct Address {
            var family = UInt16(AF_NETLINK)
            var padding: UInt16 = 0
            var port: UInt32 = 0
            var groups: UInt32 = 0
        }

        init() throws(NetworkError) {
            descriptor = socket(Int32(AF_NETLINK), SocketConstant.rawNonBlocking, 0)
            guard descriptor >= 0 else { throw Self.fault("open") }
            var address = sockaddr_storage()
            let status = unsafe withUnsafeMutableBytes(of: &address) { bytes in
                unsafe bytes.storeBytes(of: Address(groups: Netlink.groups), as: Address.self)
                guard let start = bytes.baseAddress else { return Int32(-1) }
                return unsafe bind(
                    descriptor, start.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<Address>.size))
            }
            guard status == 0 else {
                let error = Self.fault("listen to")
                close()
                throw error
            }
        }

        func close() {
            #if canImport(Glibc)
                _ = Glibc.close(descriptor)
            #else
                _ = Musl.close(descriptor)
            #endif
        }

        /// Asks for a listing.
        func ask(_ request: NetlinkReading.Request, _ sequence: UInt32) throws(NetworkError) {
            let (type, family, size) =
                switch request {
                case .links: (Netlink.getLink, UInt8(0), 16)
                case .addresses: (Netlink.getAddress, UInt8(0), 8)
                case .routesV4: (Netlink.getRoute, Netlink.familyV4, 12)
                case .routesV6: (Netlink.getRoute, Netlink.familyV6, 12)
                }
            var bytes = [UInt8](repeating: 0, count: Netlink.headerSize + size)
            let count = bytes.count
            let sent = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe bytes.storeBytes(of: UInt32(count), toByteOffset: 0, as: UInt32.self)
                unsafe bytes.storeBytes(of: type, toByteOffset: 4, as: UInt16.self)
                unsafe bytes.storeBytes(of: Netlink.flagRequest | Netlink.flagDump, toByteOffset: 6, as: UInt16.self)
                unsafe bytes.storeBytes(of: sequence, toByteOffset: 8, as: UInt32.self)
                unsafe bytes.storeBytes(of: family, toByteOffset: Netlink.headerSize, as: UInt8.self)
                return unsafe send(descriptor, bytes.baseAddress, count, 0)
            }
            guard sent == count else { throw Self.fault("ask") }
        }

        /// Receives one datagram, if it is the kernel's.
        func receive(
            into buffer: UnsafeMutableRawBufferPointer, _ body: (Span<UInt8>) -> Void
        ) -> Reception {
            var source = sockaddr_storage()
            let (count, port) = unsafe withUnsafeMutableBytes(of: &source) { source -> (Int, UInt32) in
                guard let start = source.baseAddress else { return (-1, 0) }
                var length = socklen_t(source.count)
                let count = unsafe recvfrom(
                    descriptor, buffer.baseAddress, buffer.count, SocketConstant.truncationFlag,
                    start.assumingMemoryBound(to: sockaddr.self), &length)
                return unsafe (count, source.load(as: Address.self).port)
            }
            guard count >= 0 else { return errno == EAGAIN ? .nothing : .loss }
            guard count <= buffer.count else { return .loss }
            // Other processes may send to the socket as well: the kernel alone has port 0.
            guard port == 0 else { return .datagram }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
            unsafe body(bytes.assumingMemoryBound(to: UInt8.self).span)
            return .datagram
        }

        private static func fault(_ verb: String) -> NetworkError {
            NetworkError(status: uv_translate_sys_error(errno), "\(verb) netlink")
        }
    }

    extension SocketConstant {
        fileprivate static let truncationFlag: Int32 = 0x20  // MSG_TRUNC
        #if canImport(Glibc)
            fileprivate static let rawNonBlocking = Int32(
                SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        #else
            fileprivate static let rawNonBlocking = Int32(SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK)
        #endif
    }
#endif

import CLibUV
import NetBase

extension NetworkError {
    /// What a negative libuv status means, in an operation named with its subject.
    init(status: Int32, _ operation: String) {
        self.init(Code(status: status), name: statusName(status), operation: operation)
    }

    /// The error of everything that is asked of a handle or loop after it was closed.
    static func closed(_ operation: String) -> NetworkError {
        NetworkError(.closed, name: "ECLOSED", operation: operation)
    }
}

/// Throws if a libuv status is negative; the operation's text is only made then.
func check(_ status: Int32, _ operation: @autoclosure () -> String) throws(NetworkError) {
    guard status < 0 else { return }
    throw NetworkError(status: status, operation())
}

private func statusName(_ status: Int32) -> String {
    // uv_err_name leaks memory for numbers it does not know; the _r form writes where it is told.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
        guard let start = buffer.baseAddress else { return "" }
        unsafe start.initialize(repeating: 0, count: buffer.count)
        unsafe uv_err_name_r(status, start, buffer.count)
        return unsafe String(cString: start)
    }
}

extension NetworkError.Code {
    /// The kind of fault that a libuv status stands for.
    init(status: Int32) {
        self =
            switch uv_errno_t(status) {
            case UV_EADDRINUSE: .addressInUse
            case UV_EADDRNOTAVAIL: .addressNotAvailable
            case UV_ECONNREFUSED: .connectionRefused
            case UV_ECONNRESET, UV_ECONNABORTED, UV_EPIPE: .connectionReset
            case UV_EOF: .endOfStream
            case UV_ENOTCONN: .notConnected
            case UV_EHOSTUNREACH, UV_EHOSTDOWN: .hostUnreachable
            case UV_ENETUNREACH, UV_ENETDOWN, UV_ENONET: .networkUnreachable
            case UV_EPERM, UV_EACCES: .notPermitted
            case UV_EMSGSIZE: .messageTooLarge
            case UV_EAGAIN, UV_ENOBUFS: .wouldBlock
            case UV_EAI_NONAME, UV_EAI_NODATA, UV_EAI_ADDRFAMILY: .nameNotFound
            case UV_ETIMEDOUT: .timedOut
            case UV_ECANCELED, UV_EAI_CANCELED: .cancelled
            case UV_EINVAL, UV_EAFNOSUPPORT, UV_ENAMETOOLONG, UV_EDESTADDRREQ: .invalidArgument
            case UV_EMFILE, UV_ENFILE, UV_ENOMEM, UV_EAI_MEMORY: .outOfResources
            case UV_EBADF: .closed
            default: .other
            }
    }
}

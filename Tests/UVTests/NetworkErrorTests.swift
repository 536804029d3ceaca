import CLibUV
import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Errors")
    struct NetworkErrorTests {
        @Test(
            "libuv's numbers become kinds of fault with the system's names",
            arguments: [
                (UV_EADDRINUSE, NetworkError.Code.addressInUse, "EADDRINUSE"),
                (UV_EADDRNOTAVAIL, .addressNotAvailable, "EADDRNOTAVAIL"),
                (UV_ECONNREFUSED, .connectionRefused, "ECONNREFUSED"), (UV_EPIPE, .connectionReset, "EPIPE"),
                (UV_EOF, .endOfStream, "EOF"), (UV_EHOSTUNREACH, .hostUnreachable, "EHOSTUNREACH"),
                (UV_ENETUNREACH, .networkUnreachable, "ENETUNREACH"), (UV_EACCES, .notPermitted, "EACCES"),
                (UV_EMSGSIZE, .messageTooLarge, "EMSGSIZE"), (UV_EAGAIN, .wouldBlock, "EAGAIN"),
                (UV_ENOBUFS, .wouldBlock, "ENOBUFS"), (UV_EAI_NONAME, .nameNotFound, "EAI_NONAME"),
                (UV_ETIMEDOUT, .timedOut, "ETIMEDOUT"), (UV_ECANCELED, .cancelled, "ECANCELED"),
                (UV_EINVAL, .invalidArgument, "EINVAL"), (UV_EMFILE, .outOfResources, "EMFILE"),
                (UV_EISDIR, .other, "EISDIR"),
            ])
        func codes(status: uv_errno_t, code: NetworkError.Code, name: String) {
            let error = NetworkError(status: status.rawValue, "try it")
            #expect(error.code == code)
            #expect(error.description == "try it: \(name)")
        }

        @Test("A number that libuv does not know is named as such")
        func unknown() {
            let error = NetworkError(status: -123_456, "try it")
            #expect(error.code == .other)
            #expect(error.name.contains("123456"))
        }
    }
}

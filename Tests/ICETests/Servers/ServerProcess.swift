import Foundation

/// A program that runs beside a test, quietly, and goes when the test does.
///
/// Not Foundation's `Process`, of which the address sanitizer reports a leak.
final class ServerProcess {
    private let id: pid_t
    private var hasEnded = false

    /// Whether a program of this name is in `PATH`.
    static func isInstalled(_ program: String) -> Bool {
        searchPath.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
    }

    private static var searchPath: String { ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin" }

    /// Starts the program; whether it gets anywhere is for the caller to find out.
    init(_ program: String, _ arguments: [String]) throws {
        let quietly = "exec \"$0\" \"$@\" </dev/null >/dev/null 2>&1"
        let words = ["/bin/sh", "-c", quietly, program] + arguments
        var id: pid_t = 0
        let status = Self.withSignalsUnblocked {
            unsafe Self.withCStrings(words) { words in
                unsafe Self.withCStrings(["PATH=\(Self.searchPath)"]) { environment in
                    unsafe posix_spawn(&id, "/bin/sh", nil, nil, words, environment)
                }
            }
        }
        guard status == 0 else { throw NotStarted(program: program, status: status) }
        self.id = id
    }

    deinit { stop() }

    /// Whether the program has not ended by itself.
    var isRunning: Bool {
        if !hasEnded, waitpid(id, nil, WNOHANG) != 0 { hasEnded = true }
        return !hasEnded
    }

    /// Asks the program to end, and returns when it has.
    func stop() {
        guard isRunning else { return }
        kill(id, SIGTERM)
        while waitpid(id, nil, 0) < 0, errno == EINTR {}
        hasEnded = true
    }

    /// The threads that run tests block all signals, which a program would inherit: no SIGTERM would ever reach it.
    private static func withSignalsUnblocked<Result>(_ body: () -> Result) -> Result {
        var none = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        return body()
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe body(&pointers)
    }

    struct NotStarted: Error {
        let program: String
        let status: Int32
    }
}

import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

#if os(Linux)
    /// A network of one thread's own, which goes with it: the gateway's port is a fixed one.
    enum Namespace {
        static let isAvailable = run { shell("ip link set lo up") } == true

        static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result?) -> Result? {
            let box = Box<Result?>(nil)
            let isDone = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                if leave(), shell("ip link set lo up") { box.value.withLock { $0 = body() } }
                isDone.signal()
            }
            isDone.wait()
            return box.value.withLock { $0 }
        }

        /// Runs a script in the calling thread's network.
        @discardableResult
        static func shell(_ script: String) -> Bool {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            defer { try? FileManager.default.removeItem(at: file) }
            guard (try? Data(("set -e\n" + script + "\n").utf8).write(to: file)) != nil else { return false }
            return unsafe system("bash '\(file.path)' >/dev/null 2>&1") == 0
        }

        /// Gives the calling thread a network of its own: unshare(CLONE_NEWNET), which Swift does not see in the headers.
        private static func leave() -> Bool {
            typealias Unshare = @convention(c) (Int32) -> Int32
            guard let symbol = unsafe dlsym(nil, "unshare") else { return false }
            return unsafe unsafeBitCast(symbol, to: Unshare.self)(0x4000_0000) == 0
        }

        private final class Box<Value: Sendable>: Sendable {
            let value: Mutex<Value>
            init(_ initial: Value) { value = Mutex(initial) }
        }
    }
#endif

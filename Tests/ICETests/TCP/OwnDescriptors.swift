#if os(Linux)
    import Foundation
    import Glibc

    /// Runs on a thread with a table of descriptors of its own, so that they can be counted, and used up, while other tests run; nil where
    /// the system does not give it one.
    func withOwnDescriptors<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result? {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Swift.Result { unshareDescriptors() ? try body() : nil })
            }
        }
    }

    /// How many descriptors the calling thread's table has.
    func ownDescriptorCount() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/thread-self/fd").count) ?? 0
    }

    /// Takes all descriptors that the calling thread's table has room for.
    func useUpDescriptors() -> [Int32] {
        var taken: [Int32] = []
        while true {
            let descriptor = dup(0)
            guard descriptor >= 0 else { return taken }
            taken.append(descriptor)
        }
    }

    func giveBack(_ descriptors: [Int32]) {
        for descriptor in descriptors { close(descriptor) }
    }

    /// unshare(CLONE_FILES), which Swift does not see in the headers.
    private func unshareDescriptors() -> Bool {
        typealias Unshare = @convention(c) (Int32) -> Int32
        guard let symbol = unsafe dlsym(nil, "unshare") else { return false }
        return unsafe unsafeBitCast(symbol, to: Unshare.self)(0x400) == 0
    }
#endif

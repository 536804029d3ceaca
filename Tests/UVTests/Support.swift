import CLibUV
import Foundation
import NetBase
import Testing

@testable import UV

/// All tests of the module run one after the other: some count the descriptors of the process.
@Suite("libuv made safe", .serialized)
enum UVTests {}

/// How long a test waits for something that is certain to come; only a failing test waits this long.
let patience = Duration.seconds(10)

extension IPAddress.Family {
    /// Those that the loopback interface has an address of: many a container is without IPv6.
    static let onLoopback = allCases.filter { family in
        (try? NetworkInterfaces.addresses())?.contains { $0.ip == .loopback(family) } == true
    }
}

func loopbackAddress(_ family: IPAddress.Family = .v4, port: UInt16 = 0) -> TransportAddress {
    TransportAddress(.loopback(family), port: port)
}

func makeSocket(_ loop: EventLoop, _ family: IPAddress.Family = .v4) throws -> UDPSocket {
    try UDPSocket(on: loop, boundTo: loopbackAddress(family))
}

/// An address where nobody listens: its port was free a moment ago.
func closedAddress(_ loop: EventLoop, _ family: IPAddress.Family = .v4) throws -> TransportAddress {
    let socket = try makeSocket(loop, family)
    let address = socket.localAddress
    socket.close()
    loop.run(.noWait)
    return address
}

/// The number of handles that libuv knows on a loop, ours and others.
func handleCount(_ loop: EventLoop) -> Int {
    var count = 0
    unsafe withUnsafeMutablePointer(to: &count) { count in
        unsafe uv_walk(
            loop.core.loop,
            { _, count in unsafe count?.assumingMemoryBound(to: Int.self).pointee += 1 }, UnsafeMutableRawPointer(count)
        )
    }
    return count
}

/// The number of open descriptors of the process; 0 where the system does not tell.
func descriptorCount() -> Int {
    #if os(Linux)
        return (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    #else
        return 0
    #endif
}

/// Lets time pass without turning a loop, as a long event does.
func passTime(_ duration: Duration) {
    let start = Instant.systemNow
    while Instant.systemNow - start < duration {}
}

/// Turns the loop a few times without waiting, for what must not happen.
func settle(_ loop: EventLoop) {
    for _ in 0..<5 { loop.run(.noWait) }
}

/// A blocking call on a thread of its own: the threads of Swift concurrency are few.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}

import Foundation
import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Watching a descriptor of another library's")
    struct DescriptorWatchTests {
        private let loop: EventLoop
        private let socket: UDPSocket
        private let descriptor: Int32

        /// A socket whose descriptor is watched a second time, by a copy of it: epoll takes that for another one.
        init() throws {
            loop = try EventLoop()
            socket = try makeSocket(loop)
            descriptor = dup(try socket.openDescriptor("copy"))
            // What arrives is left to the watch.
            socket.close()
            loop.run(.noWait)
        }

        private func send() throws {
            let sender = try makeSocket(loop)
            try sender.send([1, 2, 3].span, to: socket.localAddress)
            sender.close()
        }

        private func read() -> Int {
            var bytes = [UInt8](repeating: 0, count: 16)
            return unsafe bytes.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
            }
        }

        @Test("It tells of what is there to be read, and only while it is started")
        func readable() throws {
            defer { _ = close(descriptor) }
            let watch = try DescriptorWatch(on: loop, fileDescriptor: descriptor)
            var counts: [Int] = []
            watch.onReadable = { counts.append(read()) }
            try send()
            settle(loop)
            #expect(counts == [])
            watch.start()
            #expect(loop.run(until: { counts == [3] }, atMost: patience))
            watch.stop()
            try send()
            settle(loop)
            #expect(counts == [3])
            watch.start()
            #expect(loop.run(until: { counts == [3, 3] }, atMost: patience))
            watch.close()
        }

        @Test("Who leaves what came in the socket is told again on each turn, and may stop or close from inside")
        func unread() throws {
            defer { _ = close(descriptor) }
            let watch = try DescriptorWatch(on: loop, fileDescriptor: descriptor)
            var count = 0
            watch.onReadable = {
                count += 1
                if count == 3 { watch.stop() }
            }
            watch.start()
            try send()
            #expect(loop.run(until: { count == 3 }, atMost: patience))
            settle(loop)
            #expect(count == 3)
            watch.onReadable = { watch.close() }
            watch.start()
            #expect(loop.run(until: { watch.isClosed }, atMost: patience))
        }

        @Test("A loop that is closed watches nothing")
        func closedLoop() throws {
            defer { _ = close(descriptor) }
            loop.close()
            #expect(throws: NetworkError.self) { try DescriptorWatch(on: loop, fileDescriptor: descriptor) }
        }
    }
}

import CLibUV
import NetBase
import Testing

@testable import UV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The kinds of handle, each made with a closure that holds on to it, as users' closures do.
enum HandleKind: CaseIterable {
    case timer, dueTimer, udp, listener, connecting, refused, monitor, lookingMonitor, watch

    /// The end of a pipe with a byte in it that nobody reads.
    private static let descriptor: Int32 = {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0, unsafe write(ends[1], [UInt8(0)], 1) == 1 else { return -1 }
        return ends[0]
    }()

    func make(on loop: EventLoop) throws -> Handle {
        switch self {
        case .timer, .dueTimer:
            let timer = Timer(on: loop)
            timer.onFire = { timer.stop() }
            timer.start(after: self == .timer ? .seconds(60) : .zero)
            return timer
        case .udp:
            let socket = try makeSocket(loop)
            socket.onDatagram = { _, _ in socket.close() }
            socket.onUnreachable = { _, _ in socket.close() }
            socket.onError = { _ in socket.close() }
            try socket.send([1].span, to: socket.localAddress)
            return socket
        case .listener:
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            listener.onConnection = { _ in listener.close() }
            return listener
        case .connecting, .refused:
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            if self == .refused { listener.close() }
            let stream = try TCPStream(on: loop, connectingTo: listener.localAddress)
            stream.onConnect = { stream.close() }
            stream.onBytes = { _ in stream.close() }
            stream.onClose = { _ in stream.close() }
            try stream.write([UInt8](repeating: 0, count: 1 << 10))
            listener.close()
            return stream
        case .monitor, .lookingMonitor:
            let monitor =
                try self == .monitor
                ? NetworkMonitor(on: loop) : NetworkMonitor(on: loop, lookingEvery: .milliseconds(1))
            monitor.onChange = { _ in monitor.close() }
            return monitor
        case .watch:
            let watch = try DescriptorWatch(on: loop, fileDescriptor: Self.descriptor)
            watch.onReadable = { watch.close() }
            watch.start()
            return watch
        }
    }
}

extension UVTests {
    @Suite("Lifetimes")
    struct LifetimeTests {
        @Test(
            "A handle is freed after close and one more turn, though its closures held on to it",
            arguments: HandleKind.allCases)
        func freedAfterClose(kind: HandleKind) throws {
            let loop = try EventLoop()
            let handles = handleCount(loop)
            weak var weakHandle: Handle?
            do {
                let handle = try kind.make(on: loop)
                weakHandle = handle
                handle.close()
                handle.close()
            }
            #expect(!loop.run())
            #expect(weakHandle == nil)
            #expect(handleCount(loop) == handles)
        }

        @Test(
            "An open handle outlives the last reference to it, and is freed with its loop",
            arguments: HandleKind.allCases)
        func freedWithLoop(kind: HandleKind) throws {
            weak var weakHandle: Handle?
            weak var weakCore: LoopCore?
            do {
                let loop = try EventLoop()
                weakCore = loop.core
                weakHandle = try kind.make(on: loop)
                #expect(weakHandle != nil)
                #expect(weakHandle?.isClosed == false)
            }
            #expect(weakHandle == nil)
            #expect(weakCore == nil)
        }

        @Test("Closing the loop closes what is open on it", arguments: HandleKind.allCases)
        func closedWithLoop(kind: HandleKind) throws {
            let loop = try EventLoop()
            weak var weakHandle: Handle?
            do {
                let handle = try kind.make(on: loop)
                weakHandle = handle
                loop.close()
                #expect(handle.isClosed)
                handle.close()
            }
            #expect(weakHandle == nil)
        }

        @Test("A handle may be kept longer than its loop, closed")
        func keptBeyondLoop() throws {
            var loop: EventLoop? = try EventLoop()
            let socket = try makeSocket(#require(loop))
            let timer = Timer(on: try #require(loop))
            loop = nil
            #expect(socket.isClosed && timer.isClosed)
            #expect(throws: NetworkError.self) { try socket.send([1].span, to: socket.localAddress) }
            timer.start(after: .zero)
        }

        @Test("A handle that closes itself inside its own event is freed", arguments: HandleKind.allCases)
        func closedInsideItsEvent(kind: HandleKind) throws {
            let loop = try EventLoop()
            let handles = handleCount(loop)
            weak var weakHandle: Handle?
            do {
                let handle = try kind.make(on: loop)
                weakHandle = handle
                if let timer = handle as? Timer {
                    timer.start(after: .zero)
                    timer.onFire = { timer.close() }
                }
                // Nothing changes here for it to tell of.
                if let monitor = handle as? NetworkMonitor { loop.enqueue { monitor.close() } }
                if let listener = handle as? TCPListener {
                    _ = try TCPStream(on: loop, connectingTo: listener.localAddress)
                    listener.onConnection = { stream in
                        stream.close()
                        listener.close()
                    }
                }
            }
            #expect(loop.run(until: { weakHandle == nil }, atMost: patience))
            #expect(!loop.run())
            #expect(handleCount(loop) == handles)
        }

        @Test("A thousand of each leave neither handles nor descriptors behind", arguments: HandleKind.allCases)
        func thousand(kind: HandleKind) throws {
            let loop = try EventLoop()
            // The first stream makes libuv keep one descriptor per loop in reserve.
            try kind.make(on: loop).close()
            loop.run()
            let (handles, descriptors) = (handleCount(loop), descriptorCount())
            for index in 0..<1000 {
                let handle = try kind.make(on: loop)
                handle.close()
                if index % 50 == 0 { loop.run(.noWait) }
            }
            loop.run()
            #expect(handleCount(loop) == handles)
            // Other tests of the process open and close some meanwhile: what counts is that it is not one for each handle.
            #expect(descriptorCount() < descriptors + 500)
            #expect(loop.core.openHandleCount == 0)
        }

        @Test("A hundred loops leave no descriptors behind")
        func manyLoops() throws {
            let descriptors = descriptorCount()
            for index in 0..<100 {
                let loop = try EventLoop()
                if index % 2 == 0 { loop.close() }
            }
            // A loop has three of its own; other tests of the process open and close some meanwhile.
            #expect(descriptorCount() < descriptors + 150)
        }

        @Test("Connections that were accepted are freed as well")
        func accepted() throws {
            let loop = try EventLoop()
            let handles = handleCount(loop)
            weak var weakStream: TCPStream?
            var isDone = false
            let listener = try TCPListener(on: loop, boundTo: loopbackAddress())
            listener.onConnection = { stream in
                weakStream = stream
                stream.onBytes = { _ in
                    stream.close()
                    isDone = true
                }
            }
            let client = try TCPStream(on: loop, connectingTo: listener.localAddress)
            try client.write([1])
            #expect(loop.run(until: { isDone }, atMost: patience))
            client.close()
            listener.close()
            #expect(!loop.run())
            #expect(weakStream == nil)
            #expect(handleCount(loop) == handles)
        }
    }
}

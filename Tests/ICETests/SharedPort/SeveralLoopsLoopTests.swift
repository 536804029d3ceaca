#if os(Linux)
    import Dispatch
    import Foundation
    import ICE
    import Synchronization
    import Testing

    /// Elsewhere the system gives all to one of the sockets.
    @Suite("One port on several loops")
    struct SeveralLoopsLoopTests {
        private static let password = "aPasswordThatIsLongEnough"

        @Test("The system spreads the peers over the loops, and each call stays with the loop that made its client")
        func spread() throws {
            let first = try EchoingLoop(port: 0, password: Self.password)
            let second = try EchoingLoop(port: first.address.port, password: Self.password)
            #expect(second.address == first.address)
            let loop = try EventLoop()
            var echoes: [Int: [String]] = [:]
            let callers = try (0..<40).map { index in
                let caller = ICEClient(loop: loop, configuration: LoopScene.configuration(.controlling))
                caller.onData = { bytes, _ in
                    echoes[index, default: []].append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
                }
                try caller.setRemoteParameters(
                    try ICEParameters(usernameFragment: "call\(index)", password: Self.password, isLite: true))
                try caller.addRemoteCandidate(
                    "candidate:1 1 udp 2130706431 \(first.address.ip) \(first.address.port) typ host")
                caller.gatherCandidates()
                caller.processCandidates()
                return caller
            }
            // A lite agent sends nothing before the peer has chosen.
            let haveChosen = loop.run(
                until: { callers.allSatisfy { $0.selectedPair()?.isNominated == true } }, atMost: .seconds(20))
            #expect(haveChosen)
            for (index, caller) in callers.enumerated() { try caller.send("hello \(index)") }
            let haveEchoes = loop.run(until: { echoes.count == 40 }, atMost: .seconds(20))
            #expect(haveEchoes)
            #expect((0..<40).allSatisfy { echoes[$0] == ["hello \($0)"] })
            let calls = [first.end(), second.end()]
            // That all forty meet on one loop is as likely as forty heads in a row.
            #expect(calls.reduce(0, +) == 40 && !calls.contains(0))
            for caller in callers { caller.close() }
            loop.close()
        }
    }

    /// A thread with a loop and its share of a port, where a lite client is made for whoever asks, and echoes.
    private final class EchoingLoop: Sendable {
        private final class State: Sendable {
            let start = Mutex<Result<(TransportAddress, Mailbox<Void>.Sender), any Error>?>(nil)
            let made = Mutex(0)
            let hasStarted = DispatchSemaphore(value: 0)
            let hasEnded = DispatchSemaphore(value: 0)
        }

        let address: TransportAddress
        private let mailbox: Mailbox<Void>.Sender
        private let state = State()

        init(port: UInt16, password: String) throws {
            let state = state
            Thread.detachNewThread {
                do {
                    try Self.run(port, password, state)
                } catch {
                    state.start.withLock { $0 = .failure(error) }
                    state.hasStarted.signal()
                }
                state.hasEnded.signal()
            }
            _ = state.hasStarted.wait(timeout: .now() + 20)
            (address, mailbox) = try #require(state.start.withLock { $0 }).get()
        }

        /// How many clients it has made.
        func end() -> Int {
            mailbox.send(())
            #expect(state.hasEnded.wait(timeout: .now() + 20) == .success)
            return state.made.withLock { $0 }
        }

        private static func run(_ number: UInt16, _ password: String, _ state: State) throws {
            let loop = try EventLoop()
            defer { loop.close() }
            var configuration = SharedPortConfiguration(port: number, addresses: [.loopback(.v4)])
            configuration.isCommonToLoops = true
            let port = try SharedPort(loop: loop, configuration: configuration)
            var clients: [ICEClient] = []
            port.onUnknownUsername = { [unowned port] check in
                var configuration = LoopScene.configuration(.controlled)
                configuration.isLite = true
                configuration.acceptsUnsignalledPeer = true
                configuration.localCredentials = try? Credentials(
                    usernameFragment: check.usernameFragment, password: password)
                guard let client = try? ICEClient(port: port, configuration: configuration) else { return }
                client.onData = { [unowned client] bytes, _ in try? client.send(bytes) }
                client.gatherCandidates()
                client.processCandidates()
                clients.append(client)
            }
            let mailbox = try Mailbox<Void>(on: loop) { [unowned loop] _ in loop.stop() }
            state.start.withLock { $0 = .success((port.localAddresses[0], mailbox.sender)) }
            state.hasStarted.signal()
            loop.run()
            state.made.withLock { $0 = clients.count }
            for client in clients { client.close() }
            port.close()
        }
    }
#endif

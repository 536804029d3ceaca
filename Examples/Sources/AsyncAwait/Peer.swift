import ICE

/// What two peers tell each other before they have a path: in life a message over a server, here a value in a stream.
enum Signal: Sendable {
    case parameters(ICEParameters)
    /// A candidate; nil says that there are no more.
    case candidate(Candidate?)
}

/// One side of a call: an actor that lives on the loop's thread, and owns its client there.
///
/// All that it waits for, it awaits: the peer's signals, the client's events and datagrams. None of its methods blocks the loop.
actor Peer {
    nonisolated let name: String
    /// The actor's methods run where the loop runs, so that they may use what lives on it.
    private let executor: LoopExecutor
    private let role: Role
    private var openClient: ICEClient?

    init(_ name: String, _ role: Role, on executor: LoopExecutor) {
        self.name = name
        self.role = role
        self.executor = executor
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// The client, made when it is first needed: on the loop's thread.
    private var client: ICEClient {
        if let openClient { return openClient }
        var configuration = ICEConfiguration(role: role)
        configuration.includesLoopback = true
        let client = ICEClient(loop: executor.loop(), configuration: configuration)
        openClient = client
        return client
    }

    /// Finds a path to whoever sends and hears the signals; returns with it, or throws.
    func connect(
        sending signals: AsyncStream<Signal>.Continuation, hearing heard: AsyncStream<Signal>
    ) async throws {
        let events = client.events()
        signals.yield(.parameters(client.localParameters))
        client.gatherCandidates()
        client.processCandidates()
        // It goes on beside this one, as long as the peer has something to say.
        let listening = Task { await self.listen(to: heard) }
        defer { listening.cancel() }
        for await event in events {
            switch event {
            case .candidate(let candidate):
                signals.yield(.candidate(candidate))
            case .state(.completed, _):
                return
            case .state(.failed, let failure):
                throw CallFailed(reason: failure?.description ?? "no path was found")
            case .state(let state, _):
                print("\(name) is \(state)")
            case .selectedPair(let pair):
                print("\(name) uses \(pair)")
            default:
                break
            }
        }
        throw CallFailed(reason: "the client was closed")
    }

    private func listen(to signals: AsyncStream<Signal>) async {
        for await signal in signals {
            switch signal {
            case .parameters(let parameters):
                do {
                    try client.setRemoteParameters(parameters)
                } catch {
                    print("\(name): \(error)")
                    // Its events end with it, and with them the wait for a path.
                    client.close()
                }
            case .candidate(let candidate):
                client.addRemoteCandidate(candidate)
            }
        }
    }

    /// Sends a text again and again until an answer comes, as datagrams may be lost; the round trip's time.
    func ping(_ text: String) async throws -> Duration {
        let clock = ContinuousClock()
        let beganAt = clock.now
        let answers = client.datagrams()
        let sending = Task { try await self.sendRepeatedly(text) }
        defer { sending.cancel() }
        for await answer in answers where String(decoding: answer.bytes, as: UTF8.self) == text {
            return clock.now - beganAt
        }
        throw CallFailed(reason: "the client was closed")
    }

    private func sendRepeatedly(_ text: String) async throws {
        while !Task.isCancelled {
            // What the socket does not take is lost like any datagram.
            try? client.send(text)
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Sends back whatever comes, until the client is closed.
    func echo() async throws {
        for await datagram in client.datagrams() { try client.send(datagram.bytes) }
    }

    /// Ends the call; what still awaits its events or datagrams gets no more.
    func hangUp() {
        openClient?.close()
    }
}

struct CallFailed: Error, CustomStringConvertible {
    let reason: String
    var description: String { "the call failed: \(reason)" }
}

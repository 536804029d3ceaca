public import ICE

/// One call: its states, and how the client's events and the partner's messages move it from one to the next.
public final class CallSession {
    /// How far the call has come.
    public enum State: Hashable, Sendable {
        /// Nobody has answered yet.
        case ringing
        /// Answered; a path is looked for.
        case connecting
        /// Both hear each other.
        case talking
        /// The path was lost; another one is looked for.
        case interrupted
        /// Over, and why.
        case ended(Reason)

        /// Whether nothing more comes of the call.
        public var isOver: Bool { if case .ended = self { true } else { false } }
    }

    /// Why a call is over.
    public enum Reason: Hashable, Sendable {
        case hungUp, partnerHungUp, notAnswered
        /// No path was found, or none any more.
        case noPath(String)
    }

    /// How long it rings.
    public static let patience = Duration.seconds(30)

    /// Whom the call is with.
    public let partner: String
    /// How far the call has come.
    public private(set) var state = State.ringing {
        didSet { if state != oldValue { onStateChange?(state) } }
    }
    /// The state has changed.
    public var onStateChange: ((State) -> Void)?
    /// The partner has said something.
    public var onHear: ((String) -> Void)?
    /// The way that the words go.
    public var path: CandidatePair? { client.selectedPair() }

    private let client: ICEClient
    private let send: (CallMessage) -> Void
    /// Whether credentials of ours are still to be answered.
    private var awaitsAnswer = false

    init(
        with partner: String, client: ICEClient, schedule: (Duration, @escaping () -> Void) -> Void,
        send: @escaping (CallMessage) -> Void
    ) {
        self.partner = partner
        self.client = client
        self.send = send
        listen()
        schedule(Self.patience) { [weak self] in
            guard let self, state == .ringing else { return }
            end(.notAnswered, telling: true)
        }
    }

    // MARK: What the user does

    /// Answers a call that rings here. Not before this does the partner learn any address of ours.
    public func answer() {
        guard state == .ringing, !awaitsAnswer else { return }
        state = .connecting
        send(.accept(client.localParameters))
        start()
    }

    /// Ends the call, or refuses one that rings.
    public func hangUp() { end(.hungUp, telling: true) }

    /// Says something; what is said while there is no path is lost.
    public func say(_ text: String) { try? client.send(text) }

    // MARK: What the phone does

    func invite() {
        awaitsAnswer = true
        send(.invite(client.localParameters))
        // The caller's candidates are there when the other one answers.
        start()
    }

    func ring(_ parameters: ICEParameters) { take(parameters) }

    private func start() {
        client.gatherCandidates()
        client.processCandidates()
    }

    // MARK: What the partner says

    func receive(_ message: CallMessage) {
        guard !state.isOver else { return }
        switch message {
        case .invite: break
        case .accept(let parameters):
            guard state == .ringing, awaitsAnswer else { return }
            awaitsAnswer = false
            state = .connecting
            take(parameters)
        case .restart(let parameters):
            // Where both have restarted at once, each one's message is the answer to the other's.
            if !awaitsAnswer {
                client.restart()
                send(.restart(client.localParameters))
            }
            awaitsAnswer = false
            take(parameters)
        case .candidate(let candidate):
            do {
                try client.addRemoteCandidate(candidate)
            } catch {
                // One of a generation that is over, or nonsense: the others will do.
            }
        case .bye: end(.partnerHungUp, telling: false)
        }
    }

    private func take(_ parameters: ICEParameters) {
        do {
            try client.setRemoteParameters(parameters)
        } catch {
            end(.noPath(error.message), telling: true)
        }
    }

    // MARK: What the client tells

    private func listen() {
        client.onCandidate = { [unowned self] candidate in send(.candidate(client.signalled(candidate))) }
        client.onData = { [unowned self] bytes, _ in
            onHear?(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
        }
        client.onStateChange = { [unowned self] state in clientChanged(to: state) }
        client.onRestartNeeded = { [unowned self] reason in
            // For a better path alone the client does not restart by itself, and this call goes on over the one it has.
            guard reason.code != .betterPath else { return }
            awaitsAnswer = true
            send(.restart(client.localParameters))
        }
    }

    private func clientChanged(to clientState: ICEState) {
        switch clientState {
        case .connected, .completed: state = .talking
        case .disconnected where state == .talking: state = .interrupted
        case .failed: end(.noPath(client.failure?.message ?? ""), telling: true)
        default: break
        }
    }

    // MARK: The end

    private func end(_ reason: Reason, telling: Bool) {
        guard !state.isOver else { return }
        if telling { send(.bye) }
        client.close()
        state = .ended(reason)
    }
}

public import ICE

/// What a phone needs of the world: the one seam between this code and where it runs.
///
/// On a real loop these make clients and timers of the loop; in a test, of the simulated network. Nothing else here knows the difference.
public struct PhoneLine {
    /// Makes a client with a configuration.
    public let makeClient: (ICEConfiguration) -> ICEClient
    /// Does something after a time.
    public let schedule: (Duration, @escaping () -> Void) -> Void

    /// A line that makes clients and waits in these ways.
    public init(
        makeClient: @escaping (ICEConfiguration) -> ICEClient,
        schedule: @escaping (Duration, @escaping () -> Void) -> Void
    ) {
        self.makeClient = makeClient
        self.schedule = schedule
    }
}

/// Dials others, and rings when others dial; one call at a time.
public final class Phone {
    /// What others dial.
    public let number: String
    /// Somebody calls: answer it, now or later, or hang up.
    public var onRing: ((CallSession) -> Void)?
    /// The call there is.
    public private(set) var session: CallSession?

    private let line: PhoneLine
    private let signalling: any Signalling
    private let configuration: ICEConfiguration

    /// A phone with a number, on a line.
    ///
    /// - Parameter servers: The STUN and TURN servers it may ask.
    public init(
        _ number: String, on line: PhoneLine, signalling: any Signalling, servers: [ICEServer] = [],
        configure: (inout ICEConfiguration) -> Void = { _ in }
    ) {
        self.number = number
        self.line = line
        self.signalling = signalling
        var configuration = ICEConfiguration()
        configuration.servers = servers
        // A phone moves about: addresses come and go while it talks.
        configuration.gatheringPolicy = .continually
        configuration.restartsByItself = true
        configure(&configuration)
        self.configuration = configuration
    }

    /// Calls somebody. What comes of it is the session's state. A call that there is ends: the partner is told.
    public func dial(_ callee: String) -> CallSession {
        session?.hangUp()
        let session = makeSession(with: callee, role: .controlling)
        session.invite()
        return session
    }

    /// A message came from the service.
    public func receive(_ message: CallMessage, from sender: String) {
        if case .invite(let parameters) = message {
            // Engaged, unless the last call is over.
            if let session, !session.state.isOver { return signalling.send(.bye, from: number, to: sender) }
            let session = makeSession(with: sender, role: .controlled)
            session.ring(parameters)
            onRing?(session)
        } else if let session, session.partner == sender {
            session.receive(message)
        }
    }

    private func makeSession(with partner: String, role: Role) -> CallSession {
        var configuration = configuration
        configuration.role = role
        let session = CallSession(
            with: partner, client: line.makeClient(configuration), schedule: line.schedule
        ) { [signalling, number] message in
            signalling.send(message, from: number, to: partner)
        }
        self.session = session
        return session
    }
}

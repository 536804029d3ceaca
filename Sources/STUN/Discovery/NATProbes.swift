import DequeModule
import NetBase

/// The requests of a discovery: those that wait for their turn, those in flight, and what became of them.
struct NATProbes {
    /// "A client SHOULD NOT generate more than ten new STUN transactions per second and SHOULD pace them such that the retransmission
    /// timeouts (RTOs) do not synchronize the retransmissions of each transaction" (RFC 5780 §5): no small multiple of this is one of
    /// the usual 500 ms.
    static let spacing = Duration.milliseconds(130)

    /// How many transactions a discovery may take in all, whatever the server does; the longest takes about half of them.
    static let transactionLimit = 64

    enum Step {
        case send([UInt8], from: NATDiscovery.Socket, to: TransportAddress)
        case answer(NATQuestion, NATAnswer)
    }

    private struct Flight {
        let question: NATQuestion
        var transaction: STUNTransaction
    }

    private var writer: NATRequestWriter
    private let schedule: RetransmissionSchedule
    private var roundTrips: RoundTripEstimator
    private var waiting: Deque<NATQuestion> = []
    private var flights: [Flight] = []
    private var steps: Deque<Step> = []
    private var nextStart: Instant
    private var started = 0

    init(_ writer: NATRequestWriter, schedule: RetransmissionSchedule, at now: Instant) {
        self.writer = writer
        self.schedule = schedule
        roundTrips = RoundTripEstimator(
            initial: schedule.retransmissionTimeout, floor: schedule.retransmissionTimeout)
        nextStart = now
    }

    /// Whether every question has its answer, and the answer was taken.
    var isEmpty: Bool { waiting.isEmpty && flights.isEmpty && steps.isEmpty }

    var deadline: Instant? {
        (flights.map(\.transaction.deadline) + [waiting.isEmpty ? nil : nextStart]).compactMap { $0 }.min()
    }

    mutating func nextStep() -> Step? { steps.popFirst() }

    /// Asks as soon as it is time for another request.
    mutating func ask(_ question: NATQuestion, at now: Instant) {
        waiting.append(question)
        launch(at: now)
    }

    /// Takes questions back.
    mutating func withdraw(_ test: NATTest) {
        waiting.removeAll { $0.test == test }
        flights.removeAll { $0.question.test == test }
    }

    private mutating func launch(at now: Instant) {
        while nextStart <= now, let question = waiting.popFirst() {
            guard started < Self.transactionLimit else {
                steps.append(.answer(question, .failed(.timeout)))
                continue
            }
            started += 1
            nextStart = now + Self.spacing
            let (request, key) = writer.write(question)
            var schedule = schedule
            schedule.retransmissionTimeout = roundTrips.retransmissionTimeout
            flights.append(
                Flight(
                    question: question,
                    transaction: STUNTransaction(request: request, key: key, schedule: schedule, at: now)))
            steps.append(.send(request.bytes, from: question.socket, to: question.destination))
        }
    }
}

// MARK: - Inputs

extension NATProbes {
    /// Sends what is due, and gives up what has waited long enough.
    mutating func advance(to now: Instant) {
        for index in flights.indices {
            let question = flights[index].question
            while let step = flights[index].transaction.advance(to: now) {
                switch step {
                case .retransmit:
                    let bytes = flights[index].transaction.request.bytes
                    steps.append(.send(bytes, from: question.socket, to: question.destination))
                case .failed(let failure): steps.append(.answer(question, .failed(failure)))
                }
            }
        }
        flights.removeAll(where: \.transaction.isFinished)
        launch(at: now)
    }

    /// Takes the news that what a socket sends to an address does not arrive.
    mutating func unreachable(_ destination: TransportAddress, on socket: NATDiscovery.Socket) {
        flights.removeAll { flight in
            guard flight.question.socket == socket, flight.question.destination == destination else { return false }
            steps.append(.answer(flight.question, .unreachable))
            return true
        }
    }

    /// Looks at a message that came in on a socket; what answers no request is passed over.
    mutating func receive(
        _ message: STUNMessage, from source: TransportAddress, on socket: NATDiscovery.Socket, at now: Instant
    ) {
        guard message.messageClass.isResponse else { return receive(ourOwn: message, from: source, on: socket) }
        let id = message.transactionID
        guard let index = flights.firstIndex(where: { $0.transaction.transactionID == id }) else { return }
        let flight = flights[index]
        let question = flight.question
        guard question.mayBeAnswered(by: message, from: source, on: socket),
            let outcome = flights[index].transaction.receive(message, at: now)
        else { return }
        flights.remove(at: index)
        if let sample = flight.transaction.roundTripTime(at: now) { roundTrips.add(sample) }
        switch outcome {
        case .success:
            steps.append(.answer(question, source == question.origin ? .response(message, on: socket) : .misplaced))
        case .failed(let failure): steps.append(.answer(question, .failed(failure)))
        case .error(let error):
            if writer.learns(from: message, to: flight.transaction.request, retries: question.retries) {
                var question = question
                question.retries += 1
                waiting.prepend(question)
                launch(at: now)
            } else {
                steps.append(.answer(question, .error(error)))
            }
        }
    }

    /// "If the client receives its own request, the NAT hairpins connections" (RFC 5780 §3.4). Nobody else knows its transaction ID, but
    /// for those on the way.
    private mutating func receive(
        ourOwn request: STUNMessage, from source: TransportAddress, on socket: NATDiscovery.Socket
    ) {
        let index = flights.firstIndex {
            $0.question.test.isHairpin && $0.question.socket != socket && $0.transaction.request == request
                && $0.question.echoOrigins.contains(source.ip)
        }
        guard let index else { return }
        steps.append(.answer(flights.remove(at: index).question, .echo))
    }
}

extension NATQuestion {
    /// Whether a response came the way that the server was asked to send it, or shows that the server does something else.
    fileprivate func mayBeAnswered(
        by response: STUNMessage, from source: TransportAddress, on socket: NATDiscovery.Socket
    ) -> Bool {
        guard !test.isHairpin, socket == self.socket || socket == responsePort?.socket else { return false }
        if source == origin || source == destination { return true }
        return change != nil && response.messageClass == .success
    }
}

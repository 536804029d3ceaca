import Calling
import ICE
import ICETesting

/// A simulated network with phones on it: what the lessons have in common.
final class Street: Signalling {
    let network: SimulatedNetwork
    /// How long a message takes over the service.
    let signallingDelay = Duration.milliseconds(50)
    /// What was heard at each phone, in order.
    private(set) var heard: [String: [String]] = [:]
    private(set) var messageCount = 0
    private var phones: [String: Phone] = [:]

    /// All that is random follows from the seed: a test that fails once fails always.
    init(seed: UInt64) {
        network = SimulatedNetwork(seed: seed)
    }

    /// A phone on a simulated host.
    func phone(_ number: String, on host: SimulatedHost, servers: [ICEServer] = []) -> Phone {
        let line = PhoneLine(
            // The only lines that differ from the real application: CallingApp has a loop's clients and timers here.
            makeClient: { ICEClient(on: host, configuration: $0) },
            schedule: { [unowned network] span, work in network.schedule(after: span, work) })
        let phone = Phone(number, on: line, signalling: self, servers: servers)
        phones[number] = phone
        return phone
    }

    /// Lets a phone answer as soon as it rings, and notes what it hears.
    func answer(_ phone: Phone) {
        phone.onRing = { [unowned self] session in
            listen(session, at: phone)
            session.answer()
        }
    }

    func dial(_ caller: Phone, _ callee: Phone) -> CallSession {
        let session = caller.dial(callee.number)
        listen(session, at: caller)
        return session
    }

    private func listen(_ session: CallSession, at phone: Phone) {
        session.onHear = { [unowned self] text in heard[phone.number, default: []].append(text) }
    }

    func send(_ message: CallMessage, from sender: String, to receiver: String) {
        messageCount += 1
        network.schedule(after: signallingDelay) { [weak self] in
            self?.phones[receiver]?.receive(message, from: sender)
        }
    }

    // MARK: Waiting, in virtual time

    /// Whether both talk within a span of virtual time, which passes in no time.
    func areTalking(_ phones: Phone..., within span: Duration = .seconds(10)) -> Bool {
        network.run(until: { phones.allSatisfy { $0.session?.state == .talking } }, atMost: span)
    }

    /// Says a text over and over, as people do on a bad line, and tells how long it took until it was heard; nil for never.
    func time(for text: String, from phone: Phone, to other: Phone, atMost limit: Duration = .seconds(10)) -> Duration?
    {
        let beganAt = network.now
        while network.now - beganAt < limit {
            phone.session?.say(text)
            let isHeard = { self.heard[other.number]?.contains(text) == true }
            if network.run(until: isHeard, atMost: .milliseconds(100)) { return network.now - beganAt }
        }
        return nil
    }
}

import NetBase

/// The measurement of a mapping's lifetime (RFC 5780 §4.6): port X keeps silent, and port Y asks the server to answer to X.
struct LifetimeMeasurement {
    var search: MappingLifetimeSearch
    /// How long X is silent this time; the first time not at all, to see whether the server does what it is asked.
    var silence = Duration.zero
    var wasShown = false
    /// Where Y and X are mapped to.
    var control: TransportAddress?
    var idle: TransportAddress?
    /// When Y asks.
    var wake: Instant?
}

extension NATDiscovery {
    mutating func beginLifetime(at now: Instant) {
        // Without NAT and filter there is nothing that could expire.
        if report.mapping == .noNAT, report.filtering == .endpointIndependent { return }
        lifetime = LifetimeMeasurement(search: MappingLifetimeSearch(options))
        probes.ask(question(.lifetimeControl, from: .control), at: now)
    }

    /// The silence is over.
    mutating func probeLifetime(at now: Instant) {
        lifetime?.wake = nil
        guard let idle = lifetime?.idle else { return }
        var question = question(.lifetimeProbe, from: .control)
        question.responsePort = (idle.port, .idle)
        probes.ask(question, at: now)
    }

    mutating func takeLifetime(_ answer: NATAnswer, to test: NATTest, at now: Instant) {
        guard lifetime != nil else { return }
        switch (test, answer) {
        case (.lifetimeControl, .response(let message, _)):
            let mapped = mappedAddress(in: message)
            lifetime?.control = mapped
            probes.ask(question(.lifetimeOpening, from: .idle), at: now)
        case (.lifetimeOpening, .response(let message, _)): keepSilent(mappedAddress(in: message), at: now)
        case (.lifetimeProbe, .response(_, let socket)): conclude(isAlive: socket == .idle, at: now)
        case (.lifetimeProbe, .failed(.timeout)): conclude(isAlive: false, at: now)
        // "a client MUST be prepared to receive a 420 (Unknown Attribute) error to requests that include RESPONSE-PORT" (§5).
        case (.lifetimeProbe, .error): note(.responsePortUnsupported)
        default: note(.unanswered)
        }
    }

    private mutating func keepSilent(_ mapped: TransportAddress?, at now: Instant) {
        // The server answers to the address that Y has, at the port that X has.
        guard let mapped, mapped.ip == lifetime?.control?.ip else { return note(.severalPublicAddresses) }
        lifetime?.idle = mapped
        if let silence = lifetime?.silence, silence > .zero {
            lifetime?.wake = now + silence
        } else {
            probeLifetime(at: now)
        }
    }

    /// "If the client receives the Binding Response on port X, it knows that the binding has not expired. If the client receives the
    /// Binding Response on port Y … or receives no response at all, it knows that the binding has expired" (§4.6).
    private mutating func conclude(isAlive: Bool, at now: Instant) {
        guard var measurement = lifetime else { return }
        if measurement.wasShown {
            measurement.search.note(silence: measurement.silence, isAlive: isAlive)
        } else if !isAlive {
            return note(.responsePortUnsupported)
        }
        measurement.wasShown = true
        report.mappingLifetime = measurement.search.result
        let next = measurement.search.next
        measurement.silence = next ?? .zero
        lifetime = measurement
        // "the client must resend a binding request from the original source port before beginning a second test".
        if next != nil { probes.ask(question(.lifetimeOpening, from: .idle), at: now) }
    }
}

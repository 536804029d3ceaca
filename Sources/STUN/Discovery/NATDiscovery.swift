import DequeModule
package import NetBase

/// A discovery of how NATs treat this machine's UDP (RFC 5780 §4), with one server and in one address family.
///
/// Whoever drives it sends what it asks for, each socket on a port of its own that nothing was sent from before (§4.1), hands in what
/// arrives there, calls ``advance(to:)`` at the ``deadline``, and performs the effects until there are none.
///
///     connectivity ──▶ filtering, hairpinning ──▶ mapping ──▶ lifetime ──▶ finished
///          │                  only where the server has a second address   only where asked for
///          └──▶ finished: silence, or an error
///
/// Filtering goes before mapping: its answers must come from addresses that nothing was sent to, and some filters look at more than the
/// port. For the same reason each of its tests has a socket of its own, which lets them run side by side.
package struct NATDiscovery {
    /// The sockets that requests are sent from.
    package enum Socket: Hashable, Sendable, CaseIterable {
        /// That of connectivity and mapping, whose address is reported.
        case first
        /// For filtering by address.
        case addressFilter
        /// For filtering by port.
        case portFilter
        /// The other end of hairpinning.
        case second
        /// Port X of RFC 5780 §4.6, which keeps silent.
        case idle
        /// Port Y of RFC 5780 §4.6, which asks.
        case control
    }

    /// What the driver is to do.
    package enum Effect: Hashable, Sendable {
        /// Send this; should that fail for good, call ``unreachable(_:on:at:)``.
        case send([UInt8], from: Socket, to: TransportAddress)
        /// It is over, and nothing follows.
        case finished(Outcome)
    }

    /// How a discovery ends.
    package enum Outcome: Hashable, Sendable {
        /// With what was found out; silence is a finding too.
        case report(NATReport)
        /// The server refused the first request.
        case refused(STUNMessage.ErrorCode)
        /// The answer to the first request may not be believed, or names no address.
        case failed(TransactionFailure)
        /// The network says that the server is not there.
        case unreachable
    }

    enum Phase {
        case connectivity, filtering, mapping, lifetime, finished
    }

    let options: NATDiscoveryOptions
    let server: TransportAddress
    var report: NATReport
    var phase = Phase.connectivity
    var probes: NATProbes
    /// The server's second address and port, once it has named one that may be asked.
    var other: TransportAddress?
    var secondAnswer: TransportAddress?
    var filters = FilterFindings()
    var lifetime: LifetimeMeasurement?
    private var effects: Deque<Effect> = []

    /// Begins; the local address is the one of ``Socket/first``, of the server's family.
    package init(
        server: TransportAddress, local: TransportAddress, options: NATDiscoveryOptions = NATDiscoveryOptions(),
        writer: NATRequestWriter = NATRequestWriter(), at now: Instant
    ) {
        self.options = options
        self.server = server
        report = NATReport(localAddress: local, server: server)
        probes = NATProbes(writer, schedule: options.retransmission, at: now)
        probes.ask(NATQuestion(.connectivity, from: .first, to: server), at: now)
        settle(at: now)
    }

    /// When ``advance(to:)`` has something to do; nil once finished.
    package var deadline: Instant? { [probes.deadline, lifetime?.wake].compactMap { $0 }.min() }

    /// The next thing to do.
    package mutating func nextEffect() -> Effect? { effects.popFirst() }

    /// Sends again, gives up and goes on, as far as it is due.
    package mutating func advance(to now: Instant) {
        guard phase != .finished else { return }
        probes.advance(to: now)
        if let wake = lifetime?.wake, wake <= now { probeLifetime(at: now) }
        settle(at: now)
    }

    /// Looks at a datagram that came in on a socket.
    package mutating func receive(
        _ bytes: Span<UInt8>, from source: TransportAddress, on socket: Socket, at now: Instant
    ) {
        guard phase != .finished, let message = try? STUNMessage(parsing: bytes) else { return }
        probes.receive(message, from: source.unmapped, on: socket, at: now)
        settle(at: now)
    }

    /// Takes the news that what a socket sends to an address does not arrive (RFC 8489 §6.2.1: a hard ICMP error).
    package mutating func unreachable(_ destination: TransportAddress, on socket: Socket, at now: Instant) {
        guard phase != .finished else { return }
        probes.unreachable(destination.unmapped, on: socket)
        settle(at: now)
    }
}

// MARK: - Going on

extension NATDiscovery {
    /// Takes what the probes have come to; a phase ends when they have nothing left to ask.
    private mutating func settle(at now: Instant) {
        while phase != .finished {
            if let step = probes.nextStep() {
                switch step {
                case .send(let bytes, let socket, let destination):
                    effects.append(.send(bytes, from: socket, to: destination))
                case .answer(let question, let answer): take(answer, to: question, at: now)
                }
            } else if probes.isEmpty, lifetime?.wake == nil {
                beginNextPhase(at: now)
            } else {
                return
            }
        }
    }

    private mutating func beginNextPhase(at now: Instant) {
        switch phase {
        case .connectivity:
            phase = .filtering
            askAboutFiltering(at: now)
            askAboutHairpinning(at: now)
        case .filtering:
            phase = .mapping
            askAboutMapping(at: now)
        case .mapping:
            concludeFiltering()
            phase = .lifetime
            if options.measuresMappingLifetime { beginLifetime(at: now) }
        case .lifetime: finish(.report(report))
        case .finished: break
        }
    }

    mutating func finish(_ outcome: Outcome) {
        phase = .finished
        lifetime = nil
        probes = NATProbes(NATRequestWriter(), schedule: options.retransmission, at: Instant(nanoseconds: 0))
        effects.append(.finished(outcome))
    }

    func question(_ test: NATTest, from socket: Socket) -> NATQuestion {
        NATQuestion(test, from: socket, to: server)
    }

    mutating func note(_ gap: NATReport.Gap) {
        if !report.gaps.contains(gap) { report.gaps.append(gap) }
    }

    /// The address that a response says it was caused by a request from; nil where it names none of the server's family.
    func mappedAddress(in message: STUNMessage) -> TransportAddress? {
        let address =
            message[STUNMessage.XORMappedAddress.self]?.address ?? message[STUNMessage.MappedAddress.self]?.address
        return address.flatMap { $0.family == server.family && $0.port != 0 ? $0 : nil }
    }
}

import ICE
import NetBase

/// The mappings of this machine's ports at one gateway (RFC 6886), without I/O: who drives it sends one request at a time, brings the
/// answers, and calls ``advance(to:)`` at ``deadline``.
struct LeaseTable {
    /// The mapping of one port.
    private struct Lease {
        let port: UInt16
        /// The port outside that was granted last: asked for again when the gateway has forgotten it.
        var external: UInt16?
        /// Until when it holds; nil where there is none.
        var expiry: Instant?
        /// When it is asked for next.
        var next: Instant
        var fault: PortMappingError?
    }

    private let lifetime: Duration
    private var leases: [Lease] = []
    private var removals: [UInt16] = []
    private var address: IPAddress?
    /// When the address was told last; nil if it is to be asked for.
    private var addressAge: Instant?
    /// When the address is to be asked for, whatever else is due.
    private var addressNext: Instant?
    private var epoch = GatewayEpoch()
    private var outstanding: GatewayRequest?
    private var strayAnswers = 0

    /// A mapping that was refused is asked for again after this.
    static let pauseAfterFailure = Duration.seconds(600)
    /// And no renewal comes sooner than this, however short the lifetime that the gateway grants.
    static let leastRenewal = Duration.seconds(1)
    /// Beside each renewal the address is asked for too, but once for all ports that are due.
    private static let greatestAddressAge = Duration.seconds(60)
    /// RFC 6886 §3.7: "the client MUST first delay by a random amount of time selected with uniform random distribution in the range 0
    /// to 5 seconds".
    static let longestRecreationDelay = Duration.seconds(5)
    private static let strayLimit = 16

    init(lifetime: Duration) { self.lifetime = lifetime }

    // MARK: What is wanted

    /// Keeps mappings of these ports and of no others.
    mutating func want(_ ports: [UInt16], at now: Instant) {
        for lease in leases where !ports.contains(lease.port) {
            let isAsked = lease.external != nil || outstanding.map { $0.isMapping(of: lease.port) } == true
            if isAsked { removals.append(lease.port) }
        }
        leases.removeAll { !ports.contains($0.port) }
        for port in ports where !leases.contains(where: { $0.port == port }) {
            removals.removeAll { $0 == port }
            leases.append(Lease(port: port, next: now))
        }
    }

    /// The address that a port has outside, or why it has none; nil while that is not known yet.
    func result(of port: UInt16) -> Result<TransportAddress, PortMappingError>? {
        guard let lease = leases.first(where: { $0.port == port }) else { return nil }
        if lease.expiry != nil, let external = lease.external, let address {
            return .success(TransportAddress(address, port: external))
        }
        return lease.fault.map { .failure($0) }
    }

    /// Whether there is nothing to keep and nothing to say.
    var isIdle: Bool { leases.isEmpty && removals.isEmpty && outstanding == nil }

    /// The requests that end all mappings at once, without waiting for answers.
    mutating func takeFarewell() -> [GatewayRequest] {
        want([], at: Instant(nanoseconds: 0))
        defer { removals = [] }
        return removals.map { .unmap(port: $0) }
    }

    // MARK: Asking

    /// What is to be asked now; nil while an answer is waited for, and when nothing is due.
    mutating func nextRequest(at now: Instant) -> GatewayRequest? {
        guard outstanding == nil else { return nil }
        strayAnswers = 0
        outstanding = dueRequest(at: now)
        return outstanding
    }

    private mutating func dueRequest(at now: Instant) -> GatewayRequest? {
        if !removals.isEmpty { return .unmap(port: removals.removeFirst()) }
        if let next = addressNext, next <= now, !leases.isEmpty {
            addressNext = nil
            return .externalAddress
        }
        guard let lease = leases.first(where: { $0.next <= now }) else { return nil }
        if addressAge.map({ now - $0 >= Self.greatestAddressAge }) ?? true { return .externalAddress }
        let (seconds, _) = lifetime.components
        return .map(
            port: lease.port, suggested: lease.external ?? 0, seconds: UInt32(clamping: max(1, seconds)))
    }

    /// When ``advance(to:)`` or ``nextRequest(at:)`` has something to do.
    var deadline: Instant? {
        let expiries = leases.compactMap(\.expiry)
        guard outstanding == nil else { return expiries.min() }
        let ports = (expiries + leases.map(\.next)).min()
        return ports.map { min($0, addressNext ?? $0) }
    }

    /// Mappings that were not renewed in time are gone.
    mutating func advance(to now: Instant) {
        for index in leases.indices {
            guard let expiry = leases[index].expiry, expiry <= now else { continue }
            leases[index].expiry = nil
            leases[index].fault = leases[index].fault ?? Self.expired
        }
    }

    private static let expired = PortMappingError(.unsupported, "the gateway has not renewed the mapping")

    // MARK: Answers

    /// Takes what came from the gateway.
    ///
    /// - Returns: The request that is still to be answered, and has to be sent again: the answer was to an earlier one.
    mutating func receive(
        _ response: GatewayResponse, at now: Instant, using generator: inout some RandomNumberGenerator
    ) -> GatewayRequest? {
        if epoch.hasRestarted(response.epoch, at: now) { recreate(at: now, using: &generator) }
        if let request = outstanding {
            if response.answers(request) {
                outstanding = nil
            } else {
                strayAnswers += 1
                guard strayAnswers <= Self.strayLimit else {
                    fail(PortMappingError(.other, "the gateway's answers are to no questions"), at: now)
                    return nil
                }
                return request
            }
        }
        take(response.content, at: now)
        return nil
    }

    /// Takes what the gateway tells everybody when its address changes or its mappings are lost (RFC 6886 §3.2.1).
    mutating func receive(
        announcement response: GatewayResponse, at now: Instant, using generator: inout some RandomNumberGenerator
    ) {
        if epoch.hasRestarted(response.epoch, at: now) { recreate(at: now, using: &generator) }
        take(response.content, at: now)
    }

    private mutating func take(_ content: GatewayResponse.Content, at now: Instant) {
        switch content {
        case .externalAddress(let ip) where ip.isUnspecified:
            loseAddress(PortMappingError(.networkFailure, "the gateway has no address outside"), at: now)
        case .externalAddress(let ip):
            address = ip
            addressAge = now
        case .mapping(let port, let external, let seconds):
            guard seconds > 0, external > 0, let index = leases.firstIndex(where: { $0.port == port }) else { return }
            let granted = Duration.seconds(Int64(seconds))
            leases[index].external = external
            leases[index].expiry = now + granted
            // RFC 6886 §3.3: "The client SHOULD begin trying to renew the mapping halfway to expiry time, like DHCP."
            leases[index].next = now + max(granted / 2, Self.leastRenewal)
            leases[index].fault = nil
        }
    }

    /// The request that was sent has come to nothing.
    mutating func fail(_ error: PortMappingError, at now: Instant) {
        guard let request = outstanding else { return }
        outstanding = nil
        switch request {
        case .unmap: break
        case .externalAddress: loseAddress(error, at: now)
        // A gateway that is silent is so for all ports.
        case .map where error.code == .unsupported: postpone(error, at: now) { _ in true }
        case .map(let port, _, _): postpone(error, at: now) { $0.port == port }
        }
    }

    private mutating func loseAddress(_ error: PortMappingError, at now: Instant) {
        // A mapping that was granted before goes on with the address that it had, as long as it holds, unless that is known to be gone.
        if error.code == .networkFailure {
            address = nil
            for index in leases.indices { leases[index].expiry = nil }
        }
        addressAge = nil
        postpone(error, at: now) { $0.next <= now || $0.expiry == nil }
    }

    private mutating func postpone(_ error: PortMappingError, at now: Instant, where isAffected: (Lease) -> Bool) {
        for index in leases.indices where isAffected(leases[index]) {
            leases[index].fault = error
            // As long as the mapping holds it is asked for ever closer to its end.
            let left = leases[index].expiry.map { max(($0 - now) / 2, Self.leastRenewal) }
            leases[index].next = now + min(left ?? Self.pauseAfterFailure, Self.pauseAfterFailure)
        }
    }

    /// RFC 6886 §3.7: mappings are asked for anew, with the ports they had.
    private mutating func recreate(at now: Instant, using generator: inout some RandomNumberGenerator) {
        let delay = Duration.nanoseconds(
            Int64.random(in: 0...Self.longestRecreationDelay.nanoseconds, using: &generator))
        addressNext = now + delay
        for index in leases.indices { leases[index].next = min(leases[index].next, now + delay) }
    }
}

extension GatewayRequest {
    fileprivate func isMapping(of port: UInt16) -> Bool {
        if case .map(port, _, _) = self { true } else { false }
    }
}

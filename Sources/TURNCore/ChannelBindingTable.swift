package import NetBase

/// The channel bindings of one allocation, as the client knows them.
///
/// The client reserves a channel, sends the ChannelBind request, and tells how that went. Call ``advance(to:)`` at the ``deadline``,
/// until it returns nil. A ChannelBind success refreshes the peer's permission too: tell the ``PermissionTable``.
package struct ChannelBindingTable: Sendable {
    /// What time has brought.
    package enum Step: Hashable, Sendable {
        /// A ChannelBind request for the same pair is due; it is reported once.
        case refresh(ChannelNumber, TransportAddress)
        /// The binding ran out: data for the peer goes in Send indications from now on.
        case expired(ChannelNumber, TransportAddress)
    }

    /// The most pairs that are held at once, those at rest included.
    package let capacity: Int

    /// When to call ``advance(to:)``; nil while nothing waits for time.
    package private(set) var deadline: Instant?

    private var bindings: [ChannelNumber: ChannelBinding] = [:]
    private var channels: [TransportAddress: ChannelNumber] = [:]
    private var nextNumber = ChannelNumber.range.lowerBound

    /// An empty table, for 4096 pairs at most: there are no more numbers.
    package init(capacity: Int = ChannelNumber.range.count) {
        self.capacity = min(capacity, ChannelNumber.range.count)
    }

    /// How many pairs are held, those at rest included.
    package var count: Int { bindings.count }

    /// All pairs, those at rest included, in the order of their numbers.
    package var all: [ChannelBinding] { bindings.values.sorted { $0.channel < $1.channel } }

    // MARK: - Looking up

    /// The channel to send on to a peer; nil unless the server confirmed it and it lives (RFC 8656 §12).
    package func channel(to peer: TransportAddress, at now: Instant) -> ChannelNumber? {
        guard let channel = channels[peer.unscoped], bindings[channel]?.isBound(at: now) == true else { return nil }
        return channel
    }

    /// The peer whose data comes on a channel; nil, which means to drop it, where none is bound.
    ///
    /// A channel that was only asked for counts: its data may overtake the answer (RFC 8656 §12).
    package func peer(on channel: ChannelNumber, at now: Instant) -> TransportAddress? {
        guard let binding = bindings[channel], binding.state == .requested || binding.isBound(at: now) else {
            return nil
        }
        return binding.peer
    }

    // MARK: - Binding

    /// The channel to ask the server for: the one that the peer has or had, or a free one; nil if there is none.
    package mutating func reserve(for peer: TransportAddress, at now: Instant) -> ChannelNumber? {
        let peer = peer.unscoped
        forgetRested(at: now)
        if let channel = channels[peer] {
            if bindings[channel]?.state == .resting { bindings[channel]?.state = .requested }
            updateDeadline()
            return channel
        }
        guard bindings.count < capacity, let channel = takeFreeNumber() else { return nil }
        bindings[channel] = ChannelBinding(channel: channel, peer: peer, state: .requested)
        channels[peer] = channel
        return channel
    }

    /// The server bound or refreshed a channel, as asked by a request that was first sent at an instant; binding it anew is due so long
    /// after that.
    package mutating func confirm(
        _ channel: ChannelNumber, requestedAt: Instant,
        refreshAfter interval: Duration = RefreshInterval.longestOfPeers,
        at now: Instant
    ) {
        guard var binding = bindings[channel] else { return }
        let lease = Lease(requestedAt: requestedAt, lifetime: ChannelBinding.lifetime, refreshAfter: interval)
        // Answers may overtake each other.
        if case .bound(let old) = binding.state, old.expiry >= lease.expiry { return }
        binding.state = .bound(lease)
        // The server took the request now at the latest.
        binding.extendResting(from: now)
        bindings[channel] = binding
        updateDeadline()
    }

    /// The server refused a request: a channel that it never bound is free at once; one that it did bind goes on as it was.
    package mutating func refuse(_ channel: ChannelNumber, at now: Instant) {
        guard bindings[channel]?.state == .requested else { return }
        if bindings[channel]?.restingEnd == nil {
            remove(channel)
        } else {
            bindings[channel]?.state = .resting
        }
        updateDeadline()
    }

    /// No answer came: the server may have bound the channel all the same, so the pair stays together until that cannot be.
    package mutating func abandon(_ channel: ChannelNumber, at now: Instant) {
        bindings[channel]?.extendResting(from: now)
        if bindings[channel]?.state == .requested { bindings[channel]?.state = .resting }
        updateDeadline()
    }

    /// Reports a refresh that failed once more, at a later instant, if the binding lives as long.
    package mutating func scheduleRefresh(of channel: ChannelNumber, at instant: Instant) {
        guard case .bound(var lease) = bindings[channel]?.state else { return }
        lease.refreshDue = instant
        bindings[channel]?.state = .bound(lease)
        updateDeadline()
    }

    /// Forgets the pairs of a family, whose relayed address was given back.
    package mutating func remove(_ family: IPAddress.Family) {
        for binding in all where binding.peer.family == family { remove(binding.channel) }
        updateDeadline()
    }

    // MARK: - Time

    /// The next thing that time has brought by now; nil when there is none left.
    package mutating func advance(to now: Instant) -> Step? {
        guard let deadline, deadline <= now else { return nil }
        forgetRested(at: now)
        defer { updateDeadline() }
        guard let due = nextDue(at: now), case .bound(var lease) = due.state else { return nil }
        if lease.expiry <= now {
            bindings[due.channel]?.state = .resting
            return .expired(due.channel, due.peer)
        }
        lease.refreshDue = nil
        bindings[due.channel]?.state = .bound(lease)
        return .refresh(due.channel, due.peer)
    }

    private func nextDue(at now: Instant) -> ChannelBinding? {
        var first: (instant: Instant, binding: ChannelBinding)?
        for binding in bindings.values {
            guard case .bound(let lease) = binding.state, lease.deadline <= now else { continue }
            if let first, (first.instant, first.binding.channel) < (lease.deadline, binding.channel) { continue }
            first = (lease.deadline, binding)
        }
        return first?.binding
    }

    private mutating func forgetRested(at now: Instant) {
        guard let deadline, deadline <= now else { return }
        let rested = bindings.values.filter { $0.state == .resting && ($0.restingEnd ?? now) <= now }
        for binding in rested { remove(binding.channel) }
        if !rested.isEmpty { updateDeadline() }
    }

    private mutating func remove(_ channel: ChannelNumber) {
        guard let binding = bindings.removeValue(forKey: channel) else { return }
        channels[binding.peer] = nil
    }

    /// Goes round through the numbers, so that one comes back as late as can be.
    private mutating func takeFreeNumber() -> ChannelNumber? {
        for _ in ChannelNumber.range {
            let number = nextNumber
            nextNumber = number == ChannelNumber.range.upperBound ? ChannelNumber.range.lowerBound : number + 1
            if let channel = ChannelNumber(rawValue: number), bindings[channel] == nil { return channel }
        }
        return nil
    }

    private mutating func updateDeadline() {
        deadline = bindings.values.lazy.compactMap(\.deadline).min()
    }
}

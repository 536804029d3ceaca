import DequeModule
package import NetBase
import STUN

// MARK: - Asking and giving back

extension AllocationClient {
    /// What is known of the allocation; nil while there is none.
    package var state: AllocationState? {
        guard let allocation = lifecycle.allocation else { return nil }
        return AllocationState(
            relayedAddresses: allocation.relayedAddresses, reflexiveAddress: allocation.reflexiveAddress,
            lifetime: allocation.lifetime, expiry: allocation.expiry, nextRefresh: allocation.refreshDue,
            reservationToken: allocation.reservationToken, refusedFamily: allocation.refusedFamily,
            permissions: permissions.all, channels: channels.all.filter(\.isBound))
    }

    /// Asks for an allocation; false, and nothing happens, while there is one or the last failure's rule forbids it.
    ///
    /// After ``AllocationEvent/portRejected`` this goes out from the new port.
    @discardableResult
    package mutating func allocate(at now: Instant) -> Bool {
        guard lifecycle.allowsAllocating(at: now) else { return false }
        lifecycle = .allocating
        start(TURNRequest(.allocate), at: now)
        return true
    }

    /// Asks for a lifetime, which the server may change: nil for that of the options, zero to give back all, or the address of one
    /// family.
    package mutating func refresh(
        lifetime: Duration? = nil, family: IPAddress.Family? = nil, at now: Instant
    ) {
        let seconds = lifetime.map { $0 <= .zero ? 0 : Self.seconds($0) } ?? Self.seconds(options.lifetime)
        if seconds == 0, family == nil { return release(at: now) }
        guard case .allocated(var allocation) = lifecycle else { return }
        if let family, !allocation.hasAddress(for: family) { return }
        if family == nil {
            allocation.refreshDue = nil
            lifecycle = .allocated(allocation)
        }
        waiting.prepend(TURNRequest(.refresh(seconds: seconds, family)))
        launch(at: now)
    }

    /// A lifetime as it travels, in whole seconds and never 0: that would give back.
    static func seconds(_ lifetime: Duration) -> UInt32 {
        let (seconds, fraction) = lifetime.components
        return max(UInt32(clamping: fraction > 0 ? seconds + 1 : seconds), 1)
    }

    /// Gives back what there is or may be: a server may have granted what it was not yet heard to grant.
    private mutating func release(at now: Instant) {
        switch lifecycle {
        case .allocating, .allocated:
            var request = TURNRequest.release
            request.showsTicket = isMoving
            forgetRequestsAndPeers()
            start(request, at: now)
            lifecycle = .releasing
        case .releasing: break
        case .idle, .over: tell(.released)
        }
    }

    private mutating func forgetRequestsAndPeers() {
        awayUntil = nil
        parked = nil
        outstanding.removeAll()
        waiting.removeAll()
        connects = ConnectQueue()
        attempts = ConnectionAttempts()
        permissions = PermissionTable()
        channels = ChannelBindingTable()
    }

    /// The way to the server broke: whatever was in flight or allocated over it is gone.
    package mutating func linkFailed(_ error: NetworkError? = nil, at now: Instant) {
        switch lifecycle {
        case .idle, .over: break
        case .allocating: end(.failed(.init(cause: .linkFailed(error), retry: .anyTime)), at: now)
        case .allocated: end(.lost(.linkFailed(error)), at: now)
        case .releasing: end(.released, at: now)
        }
        outstanding.removeAll()
    }

    /// Leaves everything behind and tells why; what is to be given back is so before, as whoever hears may close the way.
    mutating func end(_ event: AllocationEvent, givingBack: Bool = false, at now: Instant) {
        forgetRequestsAndPeers()
        if givingBack { start(.release, at: now) }
        authenticator.forgetAllocation()
        var rule = RetryRule.anyTime
        if case .failed(let failure) = event { rule = failure.retry }
        lifecycle = .over(rule, since: now)
        if rule == .withoutPortDemands { demandsPort = false }
        tell(event)
    }
}

// MARK: - Allocate

extension AllocationClient {
    /// RFC 8656 §7.3.
    mutating func allocated(_ response: STUNMessage, requestedAt: Instant, at now: Instant) {
        guard case .allocating = lifecycle else { return }
        let lifetime = response.lifetime ?? .seconds(600)
        let addresses: [TransportAddress]
        do throws(STUNError) {
            addresses = try response.relayedAddresses()
            _ = try response.decode(STUNMessage.XORMappedAddress.self)
        } catch {
            return refuseGift(.unwantedFamily, at: now)
        }
        guard !addresses.isEmpty, lifetime > .zero else { return refuseGift(.malformedResponse, at: now) }
        guard addresses.allSatisfy({ isWanted($0.family) }) else { return refuseGift(.unwantedFamily, at: now) }
        var allocation = Allocation(
            relayedAddresses: addresses.sorted { $0.family.rawValue < $1.family.rawValue },
            reflexiveAddress: response[STUNMessage.XORMappedAddress.self]?.address,
            reservationToken: response[STUNMessage.ReservationToken.self]?.value,
            refusedFamily: response.refusedFamily, lifetime: lifetime, expiry: requestedAt)
        allocation.prolong(lifetime, requestedAt: requestedAt, refreshAfter: drawRefreshInterval(of: lifetime))
        lifecycle = .allocated(allocation)
        keepTicket(of: response)
        rejectedPorts = 0
        if let state { tell(.allocated(state)) }
    }

    /// A reserved port has the family that it has.
    private func isWanted(_ family: IPAddress.Family) -> Bool {
        if demandsPort, options.relayTransport == .udp, options.reservationToken != nil { return true }
        return options.families.isEmpty ? family == .v4 : options.families.contains(family)
    }

    /// "the client MUST delete the allocation (Section 8) and MUST NOT attempt to create another allocation on that server until it
    /// believes the mismatch has been fixed" (RFC 8656 §7.3).
    private mutating func refuseGift(_ cause: AllocationFailure.Cause, at now: Instant) {
        end(.failed(.init(cause: cause, retry: .never)), givingBack: true, at: now)
    }
}

// MARK: - Losing

extension AllocationClient {
    /// Loses what is there; in any other state nothing is.
    mutating func lose(_ loss: AllocationLoss, at now: Instant) {
        switch lifecycle {
        case .allocated: end(.lost(loss), at: now)
        case .releasing: end(.released, at: now)
        case .idle, .allocating, .over: break
        }
    }

    /// RFC 8656 §12.3: "delete the allocation and start afresh with a new allocation".
    mutating func loseMismatched(at now: Instant) {
        guard case .allocated = lifecycle else { return }
        end(.lost(.channelMismatch), givingBack: true, at: now)
    }
}

import DequeModule
package import NetBase
import STUN

// MARK: - Asking

extension AllocationClient {
    /// Asks that a peer may send to us, whatever its port; may be called as soon as ``allocate(at:)`` has been.
    ///
    /// Answered by ``AllocationEvent/permitted(_:)`` or ``AllocationEvent/permissionRefused(_:_:)``, unless the allocation comes
    /// to its end before.
    package mutating func permit(_ ip: IPAddress, at now: Instant) {
        let peer = ip.scoped(to: 0)
        guard mayHaveAllocation else { return tell(.permissionRefused(peer, .noAllocation)) }
        if permissions.allows(peer, at: now) { return tell(.permitted(peer)) }
        if isRequested({ $0.purpose == .permit([peer]) }) { return }
        guard permissions.count + waiting.count < permissions.capacity else {
            return tell(.permissionRefused(peer, .tooMany))
        }
        waiting.append(TURNRequest(.permit([peer])))
        launch(at: now)
    }

    /// Asks for a channel to a peer, which brings a permission too; may be called as soon as ``allocate(at:)`` has been.
    ///
    /// Answered by ``AllocationEvent/channelBound(_:_:)`` or ``AllocationEvent/channelRefused(_:_:)``, unless the allocation comes to its end
    /// before.
    package mutating func bind(_ peer: TransportAddress, at now: Instant) {
        let peer = peer.unscoped
        guard options.relayTransport == .udp else { return tell(.channelRefused(peer, .otherTransport)) }
        guard mayHaveAllocation else { return tell(.channelRefused(peer, .noAllocation)) }
        if let channel = channels.channel(to: peer, at: now) { return tell(.channelBound(peer, channel)) }
        guard let channel = channels.reserve(for: peer, at: now) else { return tell(.channelRefused(peer, .tooMany)) }
        if isRequested({ $0.purpose == .bind(channel, peer) }) { return }
        waiting.append(TURNRequest(.bind(channel, peer)))
        launch(at: now)
    }

    var mayHaveAllocation: Bool {
        switch lifecycle {
        case .allocating, .allocated: true
        case .idle, .releasing, .over: false
        }
    }

    func isRequested(_ isMeant: (TURNRequest) -> Bool) -> Bool {
        outstanding.contains { isMeant($0.request) } || waiting.contains(where: isMeant)
    }
}

// MARK: - Time

extension AllocationClient {
    /// Channels come first: binding one anew refreshes the peer's permission as well (RFC 8656 §12).
    mutating func advancePeers(to now: Instant) {
        var beginsRound = false
        while let step = channels.advance(to: now) {
            switch step {
            case .refresh(let channel, let peer):
                beginsRound = true
                guard options.refreshesChannels else { continue }
                waiting.append(TURNRequest(.bind(channel, peer), isAutomatic: true))
            case .expired(let channel, let peer): tell(.channelExpired(peer, channel))
            }
        }
        while let step = permissions.advance(to: now) {
            switch step {
            case .refresh(let peer):
                beginsRound = true
                guard options.refreshesPermissions, !isRequested({ $0.permits(peer) }) else { continue }
                waiting.append(TURNRequest(.permit([peer]), isAutomatic: true))
            case .expired(let peer): tell(.permissionExpired(peer))
            }
        }
        if beginsRound { peerRefreshInterval = RefreshInterval.ofPeers(using: &generator) }
    }
}

// MARK: - Permissions

extension AllocationClient {
    mutating func permitted(_ peers: [IPAddress], _ request: TURNRequest, requestedAt: Instant, at now: Instant) {
        for peer in peers { install(peer, isAwaited: !request.isAutomatic, requestedAt: requestedAt, at: now) }
    }

    private mutating func install(_ peer: IPAddress, isAwaited: Bool, requestedAt: Instant, at now: Instant) {
        let isNew = !permissions.allows(peer, at: now)
        guard permissions.install(peer, requestedAt: requestedAt, refreshAfter: peerRefreshInterval) else {
            if isAwaited { tell(.permissionRefused(peer, .tooMany)) }
            return
        }
        if isNew || isAwaited { tell(.permitted(peer)) }
    }

    /// One peer may have spoiled the request for the others: these are asked for one by one.
    mutating func permitFailed(
        _ peers: [IPAddress], _ request: TURNRequest, _ error: STUNMessage.ErrorCode, at now: Instant
    ) {
        let isAboutPeers = error.code != 437 && error.code != 401 && error.code != 438 && !error.isPassing
        if isAboutPeers, peers.count > 1 {
            return waiting.append(contentsOf: peers.map { TURNRequest(.permit([$0])) })
        }
        if error.code == 437, move(at: now, repeating: request) { return }
        tell(.error(.createPermission, error))
        if error.code == 437 { return lose(.forgotten, at: now) }
        for peer in peers {
            if error.isPassing, permissions.allows(peer, at: now) {
                permissions.scheduleRefresh(of: peer, at: now + Self.retryInterval)
            } else {
                tell(.permissionRefused(peer, .refused(code: error.code, reason: error.reason)))
            }
        }
    }

    mutating func permitUnanswered(
        _ peers: [IPAddress], _ request: TURNRequest, _ failure: TransactionFailure, at now: Instant
    ) {
        for peer in peers {
            if permissions.allows(peer, at: now) {
                permissions.scheduleRefresh(of: peer, at: now + Self.retryInterval)
            } else if !request.isAutomatic {
                tell(.permissionRefused(peer, .unanswered(failure)))
            }
        }
    }
}

// MARK: - Channels

extension AllocationClient {
    mutating func bound(
        _ channel: ChannelNumber, _ peer: TransportAddress, _ request: TURNRequest, requestedAt: Instant,
        at now: Instant
    ) {
        let isNew = channels.channel(to: peer, at: now) == nil
        channels.confirm(channel, requestedAt: requestedAt, refreshAfter: peerRefreshInterval, at: now)
        install(peer.ip, isAwaited: false, requestedAt: requestedAt, at: now)
        if isNew || !request.isAutomatic { tell(.channelBound(peer, channel)) }
    }

    mutating func bindFailed(
        _ channel: ChannelNumber, _ peer: TransportAddress, _ request: TURNRequest, _ error: STUNMessage.ErrorCode,
        at now: Instant
    ) {
        if error.code == 437, move(at: now, repeating: request) { return }
        tell(.error(.channelBind, error))
        if error.code == 437 { return lose(.forgotten, at: now) }
        if error.code == 400 { return loseMismatched(at: now) }
        channels.refuse(channel, at: now)
        if error.isPassing, channels.channel(to: peer, at: now) != nil {
            channels.scheduleRefresh(of: channel, at: now + Self.retryInterval)
        } else {
            tell(.channelRefused(peer, .refused(code: error.code, reason: error.reason)))
        }
        permissions.scheduleRefresh(of: peer.ip, at: now)
    }

    mutating func bindUnanswered(
        _ channel: ChannelNumber, _ peer: TransportAddress, _ request: TURNRequest, _ failure: TransactionFailure,
        at now: Instant
    ) {
        channels.abandon(channel, at: now)
        if channels.channel(to: peer, at: now) != nil {
            channels.scheduleRefresh(of: channel, at: now + Self.retryInterval)
        } else if !request.isAutomatic {
            tell(.channelRefused(peer, .unanswered(failure)))
        }
        permissions.scheduleRefresh(of: peer.ip, at: now)
    }
}

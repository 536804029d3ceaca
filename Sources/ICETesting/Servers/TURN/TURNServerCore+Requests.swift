import NetBase
import STUN
import TURNCore

// MARK: - Allocate

extension TURNServerCore {
    /// Makes an allocation (RFC 8656 §7.2).
    mutating func allocate(
        _ request: STUNMessage, for username: String, on tuple: TURNFiveTuple, at now: Instant
    ) throws(TURNRefusal) -> STUNMessage {
        if let allocation = allocations[tuple] {
            guard allocation.transactionID == request.transactionID else { throw .error(.allocationMismatch) }
            return allocateSuccess(request, allocation, at: now)
        }
        let wantsTicket = request[STUNMessage.MobilityTicket.self] != nil
        if wantsTicket, settings.mobility == .forbidden { throw .error(.mobilityForbidden) }
        let wanted = try AllocateRequest(request, by: tuple.transport, settings)
        if let redirect = redirect(for: tuple) { throw .redirect(redirect) }
        if let quota = settings.allocationsPerUser {
            guard allocations.values.count(where: { $0.username == username }) < quota else {
                throw .error(.quotaReached)
            }
        }
        guard allocations.count < settings.allocationLimit else { throw .error(.insufficientCapacity) }
        let grant = try takeAddresses(wanted, on: tuple, at: now)
        let expiry = now + lifetime(wanted.lifetime)
        var allocation = ServerAllocation(
            tuple, username: username, transactionID: request.transactionID, ordinal: nextOrdinal(),
            speaksTCP: wanted.speaksTCP,
            relays: grant.addresses.map { ServerAllocation.Relay(address: $0, expiry: expiry) },
            reservationToken: grant.token, addressErrors: grant.errors)
        if wantsTicket, settings.mobility == .allowed { allocation.giveTicket(makeTicket()) }
        allocations[tuple] = allocation
        for address in grant.addresses { owners[address] = tuple }
        count(\.allocations)
        return allocateSuccess(request, allocation, at: now)
    }

    private func allocateSuccess(
        _ request: STUNMessage, _ allocation: ServerAllocation, at now: Instant
    ) -> STUNMessage {
        var response = success(request)
        for relay in allocation.relays { response.append(STUNMessage.XORRelayedAddress(relay.address)) }
        let remaining = allocation.relays.map { $0.expiry - now }.max() ?? .zero
        response.append(STUNMessage.Lifetime(seconds: remaining))
        response.append(STUNMessage.XORMappedAddress(allocation.tuple.client))
        if let token = allocation.reservationToken { response.append(STUNMessage.ReservationToken(token)) }
        if let ticket = allocation.tickets?.now { response.append(STUNMessage.MobilityTicket(ticket)) }
        for error in allocation.addressErrors { response.append(error) }
        if let software = settings.software { response.append(STUNMessage.Software(software)) }
        return response
    }

    /// "the minimum of the client's proposed lifetime and the server's maximum allowed lifetime", if that is more than the default
    /// (RFC 8656 §7.2).
    private func lifetime(_ requested: Duration?) -> Duration {
        let usual = max(min(requested ?? .zero, settings.maximumLifetime), settings.defaultLifetime)
        return min(usual, tokenLimit ?? usual)
    }

    private struct Grant {
        var addresses: [TransportAddress] = []
        var token: UInt64?
        var errors: [STUNMessage.AddressErrorCode] = []
    }

    private mutating func takeAddresses(
        _ wanted: AllocateRequest, on tuple: TURNFiveTuple, at now: Instant
    ) throws(TURNRefusal) -> Grant {
        var grant = Grant()
        switch wanted.address {
        case .reserved(let token):
            guard let address = ports.redeem(token) else { throw .error(.insufficientCapacity) }
            grant.addresses = [address]
        case .single(let family, let evenPort):
            let address = try takeAddress(family, evenPort, speaksTCP: wanted.speaksTCP, on: tuple)
            grant.addresses = [address]
            guard evenPort?.reservesNextPort == true else { break }
            let token = UInt64.random(in: .min ... .max, using: &generator)
            grant.token = token
            emit(.open(ports.reserve(behind: address, token: token, until: now + settings.reservationLifetime)))
        case .dual(let evenPort):
            for family in [IPAddress.Family.v4, .v6] {
                do throws(TURNRefusal) {
                    let address = try takeAddress(family, evenPort, speaksTCP: wanted.speaksTCP, on: tuple)
                    grant.addresses.append(address)
                } catch {
                    guard case .error(let code) = error else { continue }
                    grant.errors.append(.init(family: family, code: code.code, reason: code.reason))
                }
            }
            guard !grant.addresses.isEmpty else {
                let isFull = grant.errors.contains { $0.code == STUNMessage.ErrorCode.insufficientCapacity.code }
                throw .error(isFull ? .insufficientCapacity : .addressFamilyNotSupported)
            }
        }
        return grant
    }

    private mutating func takeAddress(
        _ family: IPAddress.Family, _ evenPort: AllocateRequest.EvenPort?, speaksTCP: Bool, on tuple: TURNFiveTuple
    ) throws(TURNRefusal) -> TransportAddress {
        guard settings.families.contains(family), let ip = ports.ip(family, near: tuple.server.ip) else {
            throw .error(.addressFamilyNotSupported)
        }
        guard let address = ports.take(on: ip, in: settings.relayPorts, evenPort, using: &generator) else {
            throw .error(.insufficientCapacity)
        }
        emit(speaksTCP ? .listen(address) : .open(address))
        return address
    }
}

// MARK: - Refresh

extension TURNServerCore {
    /// Prolongs an allocation, or ends it (RFC 8656 §8.2).
    mutating func refresh(
        _ request: STUNMessage, _ allocation: ServerAllocation, at now: Instant
    ) throws(TURNRefusal) -> STUNMessage {
        var families = allocation.relays.map(\.address.family)
        if let family = try request.requestedFamily(orElse: .peerFamilyMismatch) {
            guard families.contains(family) else { throw .error(.peerFamilyMismatch) }
            families = [family]
        }
        let requested = try request.requestedLifetime()
        let lifetime = requested == .zero ? .zero : self.lifetime(requested)
        for family in families {
            if lifetime == .zero {
                remove(family, of: allocation.tuple)
            } else if let index = allocation.relays.firstIndex(where: { $0.address.family == family }) {
                allocations[allocation.tuple]?.relays[index].expiry = now + lifetime
            }
        }
        var response = success(request)
        response.append(STUNMessage.Lifetime(seconds: lifetime))
        if let software = settings.software { response.append(STUNMessage.Software(software)) }
        return response
    }
}

// MARK: - CreatePermission and ChannelBind

extension TURNServerCore {
    /// Installs or refreshes permissions, all of them or none (RFC 8656 §10.2).
    mutating func createPermission(
        _ request: STUNMessage, _ allocation: ServerAllocation, at now: Instant
    ) throws(TURNRefusal) -> STUNMessage {
        let peers = try request.peerAddresses()
        guard !peers.isEmpty else { throw .error(.badRequest) }
        try install(permissionsFor: peers, in: allocation, at: now)
        return success(request)
    }

    /// Binds a channel or refreshes it, and the peer's permission with it (RFC 8656 §12.2).
    mutating func bindChannel(
        _ request: STUNMessage, _ allocation: ServerAllocation, at now: Instant
    ) throws(TURNRefusal) -> STUNMessage {
        guard !allocation.speaksTCP, let number = try request.checked(STUNMessage.ChannelNumber.self)?.value,
            let peer = try request.checked(STUNMessage.XORPeerAddress.self)?.address,
            let channel = ChannelNumber(rawValue: number),
            [nil, peer].contains(allocation.peer(on: channel, at: now)),
            [nil, channel].contains(allocation.channel(to: peer, at: now))
        else { throw .error(.badRequest) }
        allocations[allocation.tuple]?.prune(at: now)
        let others = allocations[allocation.tuple]?.channels.keys.count { $0 != channel } ?? 0
        guard others < settings.channelsPerAllocation else { throw .error(.insufficientCapacity) }
        try install(permissionsFor: [peer], in: allocation, at: now)
        allocations[allocation.tuple]?.bind(channel, to: peer, until: now + settings.channelLifetime)
        return success(request)
    }

    private mutating func install(
        permissionsFor peers: [TransportAddress], in allocation: ServerAllocation, at now: Instant
    ) throws(TURNRefusal) {
        for peer in peers where allocation.relay(peer.family) == nil { throw .error(.peerFamilyMismatch) }
        for peer in peers where settings.deniedPeers.contains(peer.ip) { throw .error(.forbidden) }
        allocations[allocation.tuple]?.prune(at: now)
        let count = allocations[allocation.tuple]?.permissionCount(with: peers.map(\.ip)) ?? 0
        guard count <= settings.permissionsPerAllocation else { throw .error(.insufficientCapacity) }
        for peer in peers {
            allocations[allocation.tuple]?.permit(peer.ip, until: now + settings.permissionLifetime)
        }
    }
}

extension STUNMessage.Lifetime {
    /// Whole seconds, rounded up: a client that counts from when it asked is then never late.
    fileprivate init(seconds duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(UInt32(clamping: seconds + (attoseconds > 0 ? 1 : 0)))
    }
}

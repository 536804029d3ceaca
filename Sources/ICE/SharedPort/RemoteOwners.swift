import NetBase

/// Whose the remote addresses are that a socket of a shared port has to do with.
///
/// An address becomes a client's when it answers an authentic check from there (``RemoteUse/checkedPeer``), and is held once it carries the
/// client's data (``RemoteUse/peer``). Of anybody else nothing is remembered.
///
/// | holds it as | and gives way to |
/// | --- | --- |
/// | `checkedPeer` | whoever comes later: a source can be forged |
/// | `peer` | nobody; but once the peer is silent, to one whose own check was answered there |
/// | `peer`, of a lite client, which asks nothing | nobody; but when no check has come for 12 s, to whoever comes |
/// | `relayServer` | nobody |
struct RemoteOwners {
    struct Owner {
        let view: PortView
        fileprivate(set) var use: RemoteUse
        /// When a check from there was answered last.
        fileprivate var checkedAt: Instant?

        /// RFC 7675 §5.1: consent checks come every 6 s at the latest.
        private static let checkLifetime = Duration.seconds(12)

        /// Whether nobody else may have to do with the peer there.
        func isFirm(at now: Instant) -> Bool {
            guard use == .peer else { return false }
            return view.member.isLite ? isFresh(at: now) : !view.member.isSilent
        }

        fileprivate func yields(to claim: RemoteUse, at now: Instant) -> Bool {
            switch use {
            case .checkedPeer: true
            case .peer: !isFirm(at: now) && (claim == .peer || view.member.isLite)
            case .relayServer: false
            }
        }

        private func isFresh(at now: Instant) -> Bool { checkedAt.map { now < $0 + Self.checkLifetime } ?? false }
    }

    private var owners: [TransportAddress: Owner] = [:]

    subscript(address: TransportAddress) -> Owner? { owners[address] }

    var views: [PortView] { owners.values.map(\.view) }

    /// Takes an address; false where another client has a better claim, or an allocation there is to have company.
    ///
    /// - Parameter isCheck: Whether a check from there was answered.
    mutating func take(
        _ address: TransportAddress, by view: PortView, as use: RemoteUse, isCheck: Bool = false, at now: Instant
    ) -> Bool {
        if var owner = owners[address], owner.view === view {
            // One allocation, whoever asks for another.
            guard use != .relayServer || owner.use != .relayServer else { return false }
            if owner.use == .checkedPeer { owner.use = use }
            if isCheck { owner.checkedAt = now }
            owners[address] = owner
            return true
        }
        if let owner = owners[address] {
            guard owner.yields(to: use, at: now) else { return false }
            owner.view.lose(address)
        }
        owners[address] = Owner(view: view, use: use, checkedAt: isCheck ? now : nil)
        return true
    }

    /// Gives an address back; of one that carried data only that it does.
    mutating func release(_ address: TransportAddress, by view: PortView, as use: RemoteUse) {
        guard let owner = owners[address], owner.view === view else { return }
        switch (use, owner.use) {
        case (.peer, .peer): owners[address]?.use = .checkedPeer
        case (.peer, _), (.relayServer, .peer), (.relayServer, .checkedPeer), (.checkedPeer, .relayServer): break
        default: owners[address] = nil
        }
    }

    /// Gives an address back, whatever it was for.
    mutating func remove(_ address: TransportAddress, of view: PortView) {
        if owners[address]?.view === view { owners[address] = nil }
    }
}

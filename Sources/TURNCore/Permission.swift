package import NetBase

/// The server's leave for one peer to send to us, whatever its port (RFC 8656 §9).
package struct Permission: Hashable, Sendable {
    /// "The Permission Lifetime MUST be 300 seconds (= 5 minutes)" (RFC 8656 §9).
    package static let lifetime = Duration.seconds(300)

    /// The peer's IP address, without a scope.
    package let peer: IPAddress

    var lease: Lease
    // Reports go out in the order of the first installation: a dictionary's own order differs from run to run.
    let ordinal: Int

    /// When the server forgets it, unless it is refreshed.
    package var expiry: Instant { lease.expiry }
}

/// The permissions of one allocation, as the client knows them.
///
/// Data does not prolong them (RFC 8656 §11.2); only CreatePermission and ChannelBind do. Call ``advance(to:)`` at the ``deadline``,
/// until it returns nil.
package struct PermissionTable: Sendable {
    /// What time has brought.
    package enum Step: Hashable, Sendable {
        /// A CreatePermission (or ChannelBind) request for the peer is due; it is reported once.
        case refresh(IPAddress)
        /// The permission ran out and was removed.
        case expired(IPAddress)
    }

    /// The most permissions that are held at once.
    package let capacity: Int

    /// When to call ``advance(to:)``; nil while there are no permissions.
    package private(set) var deadline: Instant?

    private var permissions: [IPAddress: Permission] = [:]
    private var nextOrdinal = 0

    /// An empty table.
    package init(capacity: Int = 1024) {
        self.capacity = capacity
    }

    /// How many permissions there are.
    package var count: Int { permissions.count }

    /// All permissions, in the order of their first installation.
    package var all: [Permission] { permissions.values.sorted { $0.ordinal < $1.ordinal } }

    /// Whether the peer has a permission now; its port does not matter.
    package func allows(_ peer: IPAddress, at now: Instant) -> Bool {
        permissions[peer.scoped(to: 0)].map { now < $0.expiry } ?? false
    }

    /// The server granted or refreshed a permission, asked for by a request that was first sent at an instant; its refresh is due so long
    /// after that.
    ///
    /// Returns false, and changes nothing, if the table is full.
    @discardableResult
    package mutating func install(
        _ peer: IPAddress, requestedAt: Instant, refreshAfter interval: Duration = RefreshInterval.longestOfPeers
    ) -> Bool {
        let peer = peer.scoped(to: 0)
        let lease = Lease(requestedAt: requestedAt, lifetime: Permission.lifetime, refreshAfter: interval)
        if let old = permissions[peer] {
            // Answers may overtake each other.
            if old.expiry < lease.expiry { permissions[peer]?.lease = lease }
        } else {
            guard permissions.count < capacity else { return false }
            permissions[peer] = Permission(peer: peer, lease: lease, ordinal: nextOrdinal)
            nextOrdinal += 1
        }
        updateDeadline()
        return true
    }

    /// Reports a refresh that failed once more, at a later instant, if the permission lives as long.
    package mutating func scheduleRefresh(of peer: IPAddress, at instant: Instant) {
        permissions[peer.scoped(to: 0)]?.lease.refreshDue = instant
        updateDeadline()
    }

    /// Forgets the permissions of a family, whose relayed address was given back.
    package mutating func remove(_ family: IPAddress.Family) {
        permissions = permissions.filter { $0.key.family != family }
        updateDeadline()
    }

    /// The next thing that time has brought by now; nil when there is none left.
    package mutating func advance(to now: Instant) -> Step? {
        guard let deadline, deadline <= now else { return nil }
        let due = permissions.values.filter { $0.lease.deadline <= now }
        guard let first = due.min(by: { ($0.lease.deadline, $0.ordinal) < ($1.lease.deadline, $1.ordinal) }) else {
            return nil
        }
        defer { updateDeadline() }
        if first.expiry <= now {
            permissions[first.peer] = nil
            return .expired(first.peer)
        }
        permissions[first.peer]?.lease.refreshDue = nil
        return .refresh(first.peer)
    }

    private mutating func updateDeadline() {
        deadline = permissions.values.lazy.map(\.lease.deadline).min()
    }
}

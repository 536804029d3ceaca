import NetBase

/// Whether the peer of an ICE-lite agent is still there, by what it sends.
///
/// RFC 7675 §1: "an ICE-lite agent does not generate consent checks and will only respond to any checks that it receives". A full peer
/// sends one every 4 to 6 s, so that what is missing says as much as an unanswered request would.
///
/// ```
///             authenticated check             none of these for 30 s
///   Present ◀───────────────────┐  Present ──────────────────────────▶ Expired
///      └────────────────────────┘
/// ```
struct PeerCheckMonitor {
    private let timeout: Duration
    /// When the peer's last authenticated check came.
    private var checkedAt: Instant
    /// When it last sent anything, data included.
    private var heardAt: Instant
    /// Whether the peer has sent nothing for as long as two consent checks and a half take.
    private(set) var isSilent = false

    /// RFC 7675 §5.1: consent checks come every 6 s at the latest; two of them may be lost.
    private static let silenceLimit = Duration.seconds(15)

    init(timeout: Duration, at now: Instant) {
        self.timeout = timeout
        (checkedAt, heardAt) = (now, now)
    }

    /// When ``advance(to:)`` wants to be called next.
    var deadline: Instant {
        let expiry = checkedAt + timeout
        return isSilent ? expiry : min(expiry, heardAt + Self.silenceLimit)
    }

    /// An authenticated check came over the path.
    mutating func checked(at now: Instant) {
        checkedAt = max(checkedAt, now)
        heard(at: now)
    }

    /// Something came over the path, which says that the peer is there but not that it consents.
    mutating func heard(at instant: Instant) {
        guard instant > heardAt else { return }
        heardAt = instant
        isSilent = false
    }

    /// Whether the peer has not checked for so long that nothing may be sent to it any more.
    mutating func advance(to now: Instant) -> Bool {
        isSilent = now >= heardAt + Self.silenceLimit
        return now >= checkedAt + timeout
    }
}

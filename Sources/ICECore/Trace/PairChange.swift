/// What happened to a pair on its checklist, noted for the trace.
enum PairChange {
    case formed(CheckPair)
    /// It is in another state now, for a reason.
    case moved(CheckPair, reason: String)
    case removed(CheckPair)

    /// A move from one state to the one it is in.
    static func moved(_ pair: CheckPair, from before: CheckPair.State, isTriggered: Bool) -> PairChange {
        let reason =
            switch pair.state {
            case .frozen: "frozen"
            case .waiting: isTriggered ? "triggered" : "thawed"
            case .inProgress: before == .waiting ? "started" : "resumed"
            case .succeeded: "answered"
            case .failed: "failed"
            }
        return .moved(pair, reason: reason)
    }
}

extension ICETraceEvent {
    /// Nil where another event tells it: a failure comes with its reason.
    init?(_ change: PairChange) {
        switch change {
        case .formed(let pair):
            self.init(.pairFormed, pair) { $0.state = pair.state.name }
        case .moved(let pair, let reason):
            guard pair.state != .failed else { return nil }
            self.init(.pairState, pair) {
                $0.state = pair.state.name
                $0.reason = reason
            }
        case .removed(let pair):
            self.init(.pairRemoved, pair) { $0.state = pair.state.name }
        }
    }

    /// An event about a pair on a checklist.
    init(_ kind: Kind, _ pair: CheckPair, _ fill: (inout ICETraceEvent) -> Void = { _ in }) {
        self.init(kind, pair.description) {
            $0.localCandidateID = pair.localID
            $0.remoteCandidateID = pair.remote.remoteID
            fill(&$0)
        }
    }

    /// An event about a pair.
    init(_ kind: Kind, _ pair: CandidatePair, _ fill: (inout ICETraceEvent) -> Void = { _ in }) {
        self.init(kind) {
            $0.generation = pair.pairID?.generation
            $0.path = pair.path
            $0.pairID = pair.id
            $0.pair = pair
            fill(&$0)
        }
    }
}

extension CheckPair.State {
    /// WebRTC's word (`RTCStatsIceCandidatePairState`).
    package var name: String {
        switch self {
        case .frozen: "frozen"
        case .waiting: "waiting"
        case .inProgress: "in-progress"
        case .succeeded: "succeeded"
        case .failed: "failed"
        }
    }
}

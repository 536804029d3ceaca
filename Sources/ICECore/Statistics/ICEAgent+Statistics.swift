import NetBase
import STUN

extension ICEAgent {
    /// The pairs of this generation, best first within a stream, then those of earlier ones that are in use.
    package var countedPairs: [CheckPair] {
        pairs + components.compactMap { $0.selected?.retiredPair?.value }
    }

    /// The candidates of this agent, those included that only the peer sees.
    package var allLocalCandidates: [LocalCandidate] { localCandidates.all }

    /// The pairs that carry data, in the order of their components.
    package var selectedPairIDs: [PairID] { components.compactMap { $0.selected?.id } }

    // MARK: Counting

    /// Counts on a pair of this generation, or on one of an earlier generation that is in use.
    mutating func count(on id: PairID, _ change: (inout PairCounters) -> Void) {
        if id.generation == session.generation {
            session.checklists.update(id) { change(&$0.counters) }
        } else if let index = components.firstIndex(where: { $0.selected?.id == id }) {
            components[index].selected?.retiredPair?.change { change(&$0.counters) }
        }
    }

    /// Counts an authentic check of the peer, and its answer.
    mutating func countAnswer(to check: IncomingCheck) {
        session.checklists.withList(check.path.stream) { list in
            list.update(from: check.socket, to: check.source.unscoped) {
                $0.counters.requestsReceived += 1
                $0.counters.responsesSent += 1
            }
        }
    }

    /// A check or consent check was answered: what that took counts for the pair, and for the timeouts to come.
    mutating func note(roundTrip sample: Duration, on id: PairID) {
        roundTrips.add(sample)
        count(on: id) { $0.add(roundTrip: sample) }
    }

    /// A restart makes new checklists: what is counted on the pairs in use goes on with them.
    mutating func keepPairsInUse() {
        for index in components.indices {
            guard let selected = components[index].selected, selected.generation == session.generation else { continue }
            components[index].selected?.retiredPair = session.checklists[selected.id].map { Shared($0) }
        }
    }
}

/// Where the candidates, pairs and checks of a call are kept, so that long traces are read in one go.
struct CallIndex {
    struct Candidate: Hashable {
        let id: String
        let generation: Int
    }

    var local: [Candidate: Int] = [:]
    var remote: [Candidate: Int] = [:]
    /// Local candidates that have not been removed, by their place and kind.
    var present: [String: Set<Int>] = [:]
    var pairs: [String: Int] = [:]
    /// The pair's place and the check's within it, by transaction.
    var checks: [String: (pair: Int, check: Int)] = [:]
}

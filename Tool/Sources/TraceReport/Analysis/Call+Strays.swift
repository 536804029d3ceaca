// The check that shows a pair comes before there is a pair.
extension Call {
    /// Gives such checks to their pairs.
    mutating func assignStrays() {
        let formations = formations
        var assigned: [Int: [ReceivedCheck]] = [:]
        for number in generations.indices {
            let generation = generations[number].number
            var strays: [ReceivedCheck] = []
            for check in generations[number].strays {
                if let way = Way(check, generation: generation),
                    let pair = formations[way]?.first(notBefore: check.time)
                {
                    assigned[pair, default: []].append(check)
                } else {
                    strays.append(check)
                }
            }
            generations[number].strays = strays
        }
        for (pair, checks) in assigned {
            pairs[pair].received.insert(contentsOf: checks, at: 0)
            pairs[pair].answersSent += checks.count
        }
    }

    private var formations: [Way: Formations] {
        var formations: [Way: Formations] = [:]
        for (place, pair) in pairs.enumerated() {
            guard let way = Way(pair) else { continue }
            formations[way, default: Formations()].append(place, at: pair.formedAt)
        }
        return formations
    }
}

/// From where to which socket.
private struct Way: Hashable {
    let generation: Int
    let source: String
    let socket: String

    init?(_ check: ReceivedCheck, generation: Int) {
        guard let local = check.local else { return nil }
        self.generation = generation
        source = check.source
        socket = String(local.prefix { $0 != "-" })
    }

    init?(_ pair: PairRecord) {
        guard let local = pair.localID else { return nil }
        generation = pair.generation
        source = String(PairRecord.place(pair.remote))
        socket = String(local.prefix { $0 != "-" })
    }
}

/// The pairs of one way, in their order.
private struct Formations {
    /// The latest time up to here: a trace that is not in the order of time has its first pair found all the same.
    private var pairs: [(place: Int, latest: Double)] = []

    mutating func append(_ place: Int, at time: Double) {
        pairs.append((place, max(time, pairs.last?.latest ?? time)))
    }

    /// The first one that was formed at this time or later.
    func first(notBefore time: Double) -> Int? {
        var (low, high) = (0, pairs.count)
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].latest < time { low = middle + 1 } else { high = middle }
        }
        return low < pairs.count ? pairs[low].place : nil
    }
}

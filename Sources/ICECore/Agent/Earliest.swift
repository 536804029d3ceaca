import NetBase

/// The first of some instants.
struct Earliest {
    private(set) var instant: Instant?

    mutating func note(_ other: Instant?) {
        guard let other else { return }
        instant = instant.map { min($0, other) } ?? other
    }
}

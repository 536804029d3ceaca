/// The search for the lifetime of a mapping: "a binary search through T, arriving eventually at the value where the response is not
/// received for any timer greater than T, but is received for any timer less than T" (RFC 5780 §4.6).
struct MappingLifetimeSearch {
    /// The longest silence that a mapping survived.
    private(set) var survived = Duration.zero

    /// The shortest silence that it did not survive.
    private(set) var expired: Duration?

    private let limit: Duration
    private let precision: Duration

    init(_ options: NATDiscoveryOptions) {
        limit = min(max(options.longestLifetime, .seconds(10)), .seconds(3600))
        precision = max(options.lifetimePrecision, .seconds(5))
    }

    /// The silence to try next; nil when the lifetime is known well enough.
    var next: Duration? {
        let end = expired ?? limit
        return end - survived > precision ? survived + (end - survived) / 2 : nil
    }

    /// Takes in what became of a mapping.
    mutating func note(silence: Duration, isAlive: Bool) {
        if isAlive { survived = silence } else { expired = silence }
    }

    /// What is known; nil if nothing is.
    var result: NATReport.MappingLifetime? {
        survived == .zero && expired == nil ? nil : .init(atLeast: survived, lessThan: expired)
    }
}

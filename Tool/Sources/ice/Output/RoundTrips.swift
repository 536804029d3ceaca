/// What became of datagrams that should come back.
struct RoundTrips: Equatable {
    private(set) var sent = 0
    private(set) var received = 0
    private(set) var minimum = 0.0
    private(set) var maximum = 0.0
    private var sum = 0.0

    mutating func noteSent() { sent += 1 }

    mutating func noteReceived(after milliseconds: Double) {
        minimum = received == 0 ? milliseconds : min(minimum, milliseconds)
        maximum = max(maximum, milliseconds)
        sum += milliseconds
        received += 1
    }

    var average: Double { received == 0 ? 0 : sum / Double(received) }

    /// The share that did not come back, 0 to 1; those that are still awaited count neither way.
    func loss(awaiting outstanding: Int = 0) -> Double {
        let decided = sent - outstanding
        return decided <= 0 ? 0 : Double(max(0, decided - received)) / Double(decided)
    }

    /// The times as they stand in JSON, in milliseconds; nil where nothing came back.
    var times: Times? {
        guard received > 0 else { return nil }
        func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
        return Times(minimum: rounded(minimum), average: rounded(average), maximum: rounded(maximum))
    }

    struct Times: Encodable, Equatable {
        let minimum: Double
        let average: Double
        let maximum: Double

        var text: String {
            let (least, most) = (Quantity.milliseconds(minimum), Quantity.milliseconds(maximum))
            return "\(Quantity.milliseconds(average)) (\(least) to \(most))"
        }
    }
}

/// How long the echoes took: a fair sample of all times, so that a long run takes no more memory than a short one.
struct RoundTrips: CustomStringConvertible {
    private var count = 0
    private var sample: [Duration] = []

    private static let sampleSize = 100_000

    mutating func add(_ time: Duration) {
        count += 1
        if sample.count < Self.sampleSize { return sample.append(time) }
        let place = Int.random(in: 0..<count)
        if place < Self.sampleSize { sample[place] = time }
    }

    var description: String {
        let sorted = sample.sorted()
        guard let last = sorted.last else { return "no round trip" }
        let (median, slow) = (sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
        return "round trip: median \(text(median)), 99 % within \(text(slow)), slowest \(text(last))"
    }

    private func text(_ time: Duration) -> String { "\((time / .milliseconds(1) * 100).rounded() / 100) ms" }
}

import Foundation

/// Where a moment lies on a picture's axis.
///
/// A call is decided within milliseconds and lasts for minutes. Half of the axis is shared out among the spans between the things that
/// happened, the long ones getting little more than the short ones, and half is proportional to time; labels tell the moments.
struct TimeScale: Sendable {
    let left: Double
    let width: Double
    let end: Double
    private let times: [Double]
    private let places: [Double]

    /// Spans much shorter than this, in milliseconds, get room in proportion to their length.
    private static let shortSpan = 10.0
    private static let shareOfEvents = 0.6

    init(moments: [Double], end: Double, left: Double, width: Double) {
        (self.left, self.width) = (left, width)
        let end = max(end, 1)
        self.end = end
        let times = Set(moments.filter { 0..<end ~= $0 } + [0, end]).sorted()
        let weights = zip(times, times.dropFirst()).map { log1p(($1 - $0) / Self.shortSpan) }
        let total = weights.reduce(0, +)
        var (sum, places) = (0.0, [0.0])
        for (index, weight) in weights.enumerated() {
            sum += weight
            places.append(sum / total * Self.shareOfEvents + times[index + 1] / end * (1 - Self.shareOfEvents))
        }
        (self.times, self.places) = (times, places)
    }

    func x(_ time: Double) -> Double {
        guard time > 0 else { return left }
        guard time < end else { return left + width }
        var (low, high) = (0, times.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if times[middle] <= time { low = middle } else { high = middle }
        }
        let share = (time - times[low]) / (times[high] - times[low])
        return left + width * (places[low] + share * (places[high] - places[low]))
    }

    // MARK: Labels

    struct Tick: Sendable {
        let time: Double
        let x: Double
        var label: String { time.tickLabel }
    }

    /// Round moments, far enough from each other for their labels.
    func ticks(apart distance: Double = 62) -> [Tick] {
        var ticks = [Tick(time: 0, x: left)]
        func add(_ time: Double) {
            let x = x(time)
            let index = ticks.firstIndex { $0.x > x } ?? ticks.count
            guard x - ticks[index - 1].x >= distance, index == ticks.count || ticks[index].x - x >= distance else {
                return
            }
            ticks.insert(Tick(time: time, x: x), at: index)
        }
        for step in Self.steps where step < end {
            for multiple in 1...Self.multipleLimit where Double(multiple) * step < end { add(Double(multiple) * step) }
            // Beyond that a fine step is worth its labels only where much happened.
            for (start, next) in zip(times, times.dropFirst())
            where step * (x(next) - x(start)) / (next - start) >= distance {
                var time = (start / step).rounded(.up) * step
                while time < next {
                    add(time)
                    time += step
                }
            }
        }
        return ticks
    }

    private static let multipleLimit = 12
    private static let steps: [Double] = {
        let seconds: [Double] = [86400, 21600, 7200, 3600, 1800, 600, 300, 120, 60, 30, 10, 5, 2, 1]
        return seconds.map { $0 * 1000 } + [500, 200, 100, 50, 20, 10, 5, 2, 1]
    }()
}

extension Double {
    fileprivate var tickLabel: String {
        switch self {
        case 0: "0"
        case ..<1000: "\(Int(self)) ms"
        case ..<60_000: "\((self / 1000).shortest) s"
        default: asTime
        }
    }
}

extension Call {
    /// The moments at which something changed, for a scale that gives them room.
    var moments: [Double] {
        var moments = states.map(\.time) + local.map(\.time) + remote.map(\.time) + selections.map(\.time)
        moments += generations.map(\.time) + gatherings.flatMap { [$0.start, $0.end ?? $0.start] }
        moments += serverErrors.map(\.time) + restartsNeeded.map(\.time)
        for pair in pairs {
            moments += [pair.formedAt] + pair.changes.map(\.time) + pair.nominatedAt
            moments += pair.checks.filter { !$0.isUpkeep }.flatMap {
                [$0.firstSentAt, $0.answeredAt ?? $0.firstSentAt]
            }
        }
        return moments
    }
}

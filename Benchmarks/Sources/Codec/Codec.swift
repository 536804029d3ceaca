import Measuring

/// Measures one operation on the messages of a connectivity check: `bench-codec NAME --count N`.
@main
struct Codec {
    static func main() {
        let options = Options()
        guard let operation = Operation(rawValue: options.command) else {
            Options.refuse("bench-codec \(Operation.allCases.map(\.rawValue).joined(separator: "|")) --count N")
        }
        let count = options.number("count")
        // The first HMAC of a process makes libcrypto load what it needs.
        let warmUp = operation.run(100)
        let (before, watch) = (Usage(), Stopwatch())
        let sum = operation.run(count)
        let (seconds, after) = (watch.seconds, Usage())
        precondition(warmUp > 0 && sum > 0, "the operation has failed")
        ResultLine("codec").with("operation", operation.rawValue)
            .with("nanoseconds", seconds * 1e9 / Double(count))
            .with("allocations", Double(after.allocations - before.allocations) / Double(count))
            .write()
    }
}

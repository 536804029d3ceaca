/// What a trace says of a call: what happened, what came of it and why.
///
/// ```swift
/// let report = CallReport(try Trace(data, name: "call.trace"))
/// print(report.headline)
/// try report.html().write(toFile: "call.html", atomically: true, encoding: .utf8)
/// ```
public struct CallReport: Sendable {
    let trace: Trace
    let call: Call
    let diagnosis: Diagnosis

    /// Goes through a trace and weighs what is in it.
    public init(_ trace: Trace) {
        self.trace = trace
        call = Call(trace)
        diagnosis = Diagnosis(call)
    }

    /// What became of the call, in a sentence.
    public var headline: String { diagnosis.headline }
}

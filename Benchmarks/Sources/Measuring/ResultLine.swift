import CMeasuring

/// A JSON object on a line of standard output, for the runner.
public struct ResultLine {
    private var text: String

    /// A line of this type, without further members.
    public init(_ type: String) { text = "{\"type\":\"\(type)\"" }

    /// Adds a number.
    public func with(_ name: String, _ value: Double) -> ResultLine { adding("\"\(name)\":\(value)") }

    /// Adds a whole number.
    public func with(_ name: String, _ value: some BinaryInteger) -> ResultLine { adding("\"\(name)\":\(value)") }

    /// Adds a word that needs no escapes.
    public func with(_ name: String, _ value: String) -> ResultLine { adding("\"\(name)\":\"\(value)\"") }

    /// Adds what the process has cost.
    public func with(_ usage: Usage) -> ResultLine {
        with("cpu", usage.cpu).with("heap", usage.heap).with("resident", usage.resident)
            .with("allocations", usage.allocations)
    }

    /// Writes it at once.
    public func write() {
        let bytes = Array((text + "}\n").utf8)
        _ = measuring_write(1, bytes, bytes.count)
    }

    private func adding(_ member: String) -> ResultLine {
        var line = self
        line.text += "," + member
        return line
    }
}

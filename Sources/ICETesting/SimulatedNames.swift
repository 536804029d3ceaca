public import NetBase

/// The host names of a simulated network.
///
/// ```swift
/// network.names["stun.example.org"] = ["192.0.2.10", "2001:db8::10"]
/// network.names.fail("turn.example.org", with: .timedOut)
/// network.names.delay = .milliseconds(80)
/// ```
public struct SimulatedNames {
    /// How long a look-up takes.
    public var delay: Duration = .milliseconds(10)

    private var answers: [String: Result<[IPAddress], NetworkError>] = [:]

    /// A name's addresses, in the order in which a look-up gives them; nil for a name that does not exist or fails.
    public subscript(name: String) -> [IPAddress]? {
        get { try? answers[name.lowercased()]?.get() }
        set { answers[name.lowercased()] = newValue.map { .success($0) } }
    }

    /// Lets look-ups of a name fail.
    public mutating func fail(_ name: String, with code: NetworkError.Code) {
        answers[name.lowercased()] = .failure(NetworkError(simulated: code, "resolve \(name)"))
    }

    func answer(for name: String) -> Result<[IPAddress], NetworkError> {
        if let literal = IPAddress(name) { return .success([literal]) }
        return answers[name.lowercased()] ?? .failure(NetworkError(simulated: .nameNotFound, "resolve \(name)"))
    }
}

extension NetworkError {
    init(simulated code: Code, _ operation: String) {
        self.init(code, name: code.description, operation: operation)
    }
}

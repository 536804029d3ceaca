/// The command line of a measuring program: a command, then `--name value` pairs.
///
/// Who starts these programs is the runner, not people: what is missing or wrong ends the program with a line that says so.
public struct Options {
    /// The first word.
    public let command: String
    private var values: [String: String] = [:]

    /// What the process was started with.
    public init(_ arguments: [String] = CommandLine.arguments) {
        command = arguments.count > 1 ? arguments[1] : ""
        var index = 2
        while index + 1 < arguments.count, arguments[index].hasPrefix("--") {
            values[String(arguments[index].dropFirst(2))] = arguments[index + 1]
            index += 2
        }
        if index < arguments.count { Self.refuse("\(arguments[index]) has no value") }
    }

    /// A value that need not be there.
    public subscript(name: String) -> String? { values[name] }

    /// A number that must be there.
    public func number(_ name: String) -> Int {
        guard let value = values[name].flatMap({ Int($0) }) else { Self.refuse("--\(name) takes a number") }
        return value
    }

    /// A number, or what it is when nothing was said.
    public func number(_ name: String, default standard: Int) -> Int { values[name] == nil ? standard : number(name) }

    /// Seconds, with or without a fraction.
    public func seconds(_ name: String) -> Duration {
        guard let value = values[name].flatMap({ Double($0) }) else { Self.refuse("--\(name) takes seconds") }
        return .seconds(value)
    }

    /// Ends the program.
    public static func refuse(_ message: String) -> Never { fatalError("usage: \(message)") }
}

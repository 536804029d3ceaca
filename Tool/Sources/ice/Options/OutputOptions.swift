import ArgumentParser
import Logging

/// How a command tells what it finds.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object a line.") var json = false

    func makeConsole() -> Console { Console(printsJSON: json, terminal: .standardOutput) }
}

/// Whether the library tells what it does.
struct LogOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Log what the library does to standard error.") var verbose = false

    var logger: Logger? {
        guard verbose else { return nil }
        var logger = Logger(label: "ice") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .debug
        return logger
    }
}

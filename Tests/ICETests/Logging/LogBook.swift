import InMemoryLogging
import Logging
import NetBase

/// What a client has logged, at all levels from trace on.
struct LogBook {
    private let handler: InMemoryLogHandler

    init() {
        var handler = InMemoryLogHandler()
        handler.logLevel = .trace
        self.handler = handler
    }

    var logger: Logger {
        Logger(label: "test") { [handler] _ in handler }
    }

    /// Message and metadata of each entry, as one line.
    func lines(atLeast level: Logger.Level = .trace) -> [String] {
        handler.entries.filter { $0.level >= level }.map { "\($0.level) \($0.message) \($0.metadata)" }
    }

    func text(atLeast level: Logger.Level = .trace) -> String { lines(atLeast: level).joined(separator: "\n") }
}

extension String {
    /// Whether an IP address of either family stands somewhere in the text.
    var hasAddress: Bool {
        split { !($0.isHexDigit || $0 == "." || $0 == ":") }.contains { word in
            // A port may follow, and a full stop or colon of the sentence.
            let parts = word.split(separator: ":", omittingEmptySubsequences: false)
            let words = [String(word), String(parts[0]), String(word.dropLast())]
            return words.contains { word in
                IPAddress(word).map { !$0.isUnspecified } ?? false
            }
        }
    }
}

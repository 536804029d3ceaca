import Foundation

/// What the terminal can do, if standard output is one: colours, and a line that is written again and again.
struct Terminal {
    /// Whether a line may be taken back and written anew.
    let isLive: Bool
    let style: Style

    /// Standard output as it is; https://no-color.org wants no colour where NO_COLOR is set to anything.
    static var standardOutput: Terminal {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb"
        let mayColor = environment["NO_COLOR", default: ""].isEmpty
        return Terminal(isLive: isTerminal, style: Style(hasColor: isTerminal && mayColor))
    }

    /// Clears the line that the cursor is in, and goes to its beginning.
    static let clearLine = "\r\u{1b}[K"

    /// How many characters fit into a line.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// Colours, where there are any.
struct Style {
    let hasColor: Bool

    static let plain = Style(hasColor: false)

    func good(_ text: String) -> String { colored(text, "32") }
    func bad(_ text: String) -> String { colored(text, "31") }
    func strong(_ text: String) -> String { colored(text, "1") }
    func faint(_ text: String) -> String { colored(text, "2") }

    private func colored(_ text: String, _ code: String) -> String {
        hasColor ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}

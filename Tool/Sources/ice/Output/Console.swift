import Foundation

/// One thing that a command tells: a line for people, an object for programs.
protocol Finding: Encodable {
    /// The line for people, or several; nil for what only programs are told.
    func text(_ style: Style) -> String?
}

/// Where a command tells what it finds, each thing at once.
final class Console {
    let printsJSON: Bool
    private let terminal: Terminal
    private let encoder = JSONEncoder()
    private var hasStatus = false

    init(printsJSON: Bool, terminal: Terminal) {
        self.printsJSON = printsJSON
        self.terminal = terminal
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// Whether ``show(status:)`` shows anything.
    var isLive: Bool { terminal.isLive && !printsJSON }

    func tell(_ finding: some Finding) {
        if printsJSON {
            guard let line = try? encoder.encode(finding) else { return }
            write(String(decoding: line, as: UTF8.self) + "\n")
        } else if let text = finding.text(terminal.style) {
            say(text)
        }
    }

    /// Tells people something that programs do not need.
    func say(_ text: String = "") {
        guard !printsJSON else { return }
        clearStatus()
        write(text + "\n")
    }

    /// Shows how far things are in the last line of a terminal, until something else is told.
    func show(status text: String) {
        guard isLive else { return }
        hasStatus = true
        write(Terminal.clearLine + terminal.style.faint(String(text.prefix(Terminal.width - 1))))
    }

    func clearStatus() {
        guard hasStatus else { return }
        hasStatus = false
        write(Terminal.clearLine)
    }

    private func write(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
}

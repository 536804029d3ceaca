import ArgumentParser
import Foundation
import TraceReport

/// Says what a saved trace means.
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Say what became of a call and why, from its saved trace.",
        discussion: """
            A trace is what `ice-peer --trace FILE` saves, or a program of yours that writes each event of ICEClient.onTrace as a JSON \
            object a line. The page that --html writes is one file without anything from elsewhere. The exit code is 0 when the file \
            could be read, 65 when it is no trace, 66 when it can't be opened, 73 when the page can't be written.
            """)

    @Argument(help: ArgumentHelp("The saved trace.", valueName: "file")) var file: String
    @Option(help: ArgumentHelp("Write a page with everything in it to this file.", valueName: "file")) var html: String?
    @Flag(help: "Print the analysis as JSON.") var json = false

    func run() throws {
        let report = CallReport(try read())
        if let html { try write(report.html(), to: html, report) }
        if json {
            print(try report.json())
        } else if html == nil {
            print(report.text(style: Self.usesColor ? .colored : .plain), terminator: "")
        }
    }

    private func read() throws -> Trace {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw Self.exit("\(file) can't be read: \(error.localizedDescription)", code: 66)
        }
        do {
            return try Trace(data, name: URL(fileURLWithPath: file).lastPathComponent)
        } catch {
            throw Self.exit("\(file): \(error)", code: 65)
        }
    }

    private func write(_ page: String, to path: String, _ report: CallReport) throws {
        do {
            try Data(page.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw Self.exit("\(path) can't be written: \(error.localizedDescription)", code: 73)
        }
        FileHandle.standardError.write(Data("\(path): \(report.headline)\n".utf8))
    }

    private static func exit(_ message: String, code: Int32) -> ExitCode {
        FileHandle.standardError.write(Data("ice trace: \(message)\n".utf8))
        return ExitCode(code)
    }

    /// https://no-color.org: colour only on a terminal, and where nobody has asked for none.
    private static var usesColor: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
}

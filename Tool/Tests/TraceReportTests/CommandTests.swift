import Foundation
import Testing

/// The program itself, as it is built beside the tests.
@Suite("ice trace")
struct CommandTests {
    private struct Outcome {
        let code: Int32
        let output: String
        let errors: String
    }

    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("ice-trace-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func run(_ arguments: String...) throws -> Outcome {
        let runner = URL(fileURLWithPath: CommandLine.arguments.first ?? "")
        let folders = [runner, Bundle.main.bundleURL] + Bundle.allBundles.map(\.bundleURL)
        let candidates = folders.flatMap { folder in
            sequence(first: folder, next: { $0.path == "/" ? nil : $0.deletingLastPathComponent() })
                .prefix(6).map { $0.appendingPathComponent("ice") }
        }
        let process = Process()
        let program = candidates.first {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder) && !isFolder.boolValue
                && FileManager.default.isExecutableFile(atPath: $0.path)
        }
        let url: URL = try #require(program, "ice is built beside the tests")
        process.executableURL = url
        process.arguments = ["trace"] + arguments
        // To files, as a pipe that nobody empties would stop it.
        let (output, errors) = (folder.appendingPathComponent("out"), folder.appendingPathComponent("err"))
        for url in [output, errors] { try Data().write(to: url) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }

    private func save(_ text: String) throws -> String {
        let url = folder.appendingPathComponent("call.trace")
        try Data(text.utf8).write(to: url)
        return url.path
    }

    @Test("It prints text without colours into a file, JSON on demand, and writes a page")
    func prints() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try save("{\"event\":\"state-change\",\"state\":\"checking\",\"time\":3}\n")
        let text = try run(file)
        #expect(text.code == 0 && text.output.hasPrefix("Not connected") && !text.output.contains("\u{1b}"))
        let json = try run(file, "--json")
        #expect(json.code == 0 && json.output.contains("\"outcome\" : \"unfinished\""))
        let page = folder.appendingPathComponent("page.html")
        let html = try run(file, "--html", page.path)
        #expect(html.code == 0 && html.output.isEmpty)
        #expect(try String(contentsOf: page, encoding: .utf8).hasPrefix("<!DOCTYPE html>"))
    }

    @Test("Its exit code tells a malformed file from a missing one and from a page that can't be written")
    func exitCodes() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let bad = try run(try save("nonsense\n"))
        #expect(bad.code == 65 && bad.errors.contains("line 1"))
        let mixed = try run(try save("{\"event\":\"x\",\"time\":1}\nnonsense\n"))
        #expect(mixed.code == 0 && mixed.output.contains("is no JSON object"))
        #expect(try run(folder.appendingPathComponent("none").path).code == 66)
        let good = try save("{\"event\":\"x\",\"time\":1}\n")
        #expect(try run(good, "--html", folder.path).code == 73)
        let cut = try run(try save("{\"event\":\"x\",\"time\":1}\n{\"event\""))
        #expect(cut.code == 0 && cut.output.contains("cut off"))
    }
}

import Foundation
import ICE

/// Saves a client's trace, one JSON object per line.
final class TraceFile {
    private let file: FileHandle
    private let encoder = JSONEncoder()

    /// Replaces what is at the path.
    init(path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw BadLine(description: "--trace: \(path) can't be written") }
        self.file = file
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// Writes an event at once, so that the file is whole whenever the program ends.
    func write(_ event: ICETraceEvent) {
        guard var line = try? encoder.encode(event) else { return }
        line.append(UInt8(ascii: "\n"))
        // A disk that is full is no reason to end the call.
        try? file.write(contentsOf: line)
    }
}

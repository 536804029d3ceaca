import Foundation
import ICE

/// A directory that both sides see: each keeps its line there in a file, and takes the other's.
final class Room: Signalling {
    var onLine: ((String?) -> Void)?
    private let directory: URL
    private let own: URL
    private var line = ""
    private var beat = 0
    private var watch = RoomWatch()
    private var isAccepted = false
    private lazy var timer = ICE.Timer(on: loop) { [unowned self] in advance() }
    private let loop: EventLoop

    private static let pollInterval = Duration.milliseconds(250)
    private static let suffix = ".ice-connect"

    init(at path: String, on loop: EventLoop) throws {
        self.loop = loop
        directory = URL(fileURLWithPath: path, isDirectory: true)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        own = directory.appendingPathComponent(UUID().uuidString + Self.suffix)
    }

    func publish(_ line: String) {
        self.line = line
        timer.start(after: .zero, repeating: Self.pollInterval)
    }

    /// The beat goes on: the other side may still have to see it.
    func accept() { isAccepted = true }

    func close() {
        timer.close()
        try? FileManager.default.removeItem(at: own)
        onLine = nil
    }

    private func advance() {
        beat += 1
        // Replaced as a whole, so that nobody reads half of it.
        try? Data("\(line)\n\(beat)\n".utf8).write(to: own, options: .atomic)
        guard !isAccepted else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        let others = names.filter { $0.hasSuffix(Self.suffix) && $0 != own.lastPathComponent }.sorted()
        let files = others.compactMap { name in
            (try? String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)).map { (name, $0) }
        }
        if let line = watch.observe(files) { onLine?(line) }
    }
}

/// Tells the file of somebody who is there from what somebody has left behind: its beat goes on.
struct RoomWatch {
    private var seen: [String: String] = [:]

    /// Looks at the files, a name and its text each; the line of the first one that has changed since it was seen.
    mutating func observe(_ files: [(name: String, text: String)]) -> String? {
        var line: String?
        for (name, text) in files {
            if let before = seen[name], before != text, line == nil {
                line = text.split(separator: "\n").first.map { String($0) }
            }
            seen[name] = text
        }
        return line
    }
}

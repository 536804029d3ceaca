import Foundation
import ICE

/// A directory that both sides see: each keeps its line there in a file, and takes the other's.
final class Room: Signalling {
    var onLine: ((String?) -> Void)?
    var place: String? { directory.path }
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
    /// Of a file more is not read: a line is far shorter.
    static let longestFile = 16_384

    /// - Throws: ``Unpublished`` where there is no such folder and none can be made. Those that it is in are not made: a path that is
    ///   mistyped would be waited in for ever.
    init(at path: String, on loop: EventLoop) throws(Unpublished) {
        self.loop = loop
        directory = URL(fileURLWithPath: path, isDirectory: true)
        guard mkdir(directory.path, 0o700) == 0 || errno == EEXIST else {
            throw Self.unwritable(directory, String(cString: strerror(errno)))
        }
        own = directory.appendingPathComponent(UUID().uuidString + Self.suffix)
    }

    func publish(_ line: String) throws(Unpublished) {
        self.line = line
        do {
            try write()
        } catch {
            throw Self.unwritable(directory, String(cString: strerror(error.code)))
        }
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
        // What could be written once may be so again.
        try? write()
        guard !isAccepted else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        let others = names.filter { $0.hasSuffix(Self.suffix) && $0 != own.lastPathComponent }.sorted()
        let files = others.compactMap { name in
            Self.text(ofFile: directory.appendingPathComponent(name).path).map { (name, $0) }
        }
        for line in watch.observe(files) where !isAccepted { onLine?(line) }
    }

    private struct WriteFailed: Error {
        let code: Int32
    }

    private static func unwritable(_ directory: URL, _ reason: String) -> Unpublished {
        Unpublished(
            fault: Fault(
                "room", "nothing can be written to \(directory.path): \(reason)",
                advice: "choose a folder with --room that is there and that you may write to"))
    }

    /// The line lets whoever reads it in: nobody but this user may.
    private func write() throws(WriteFailed) {
        beat += 1
        // Replaced as a whole, so that nobody reads half of it.
        let half = own.path + ".new"
        unlink(half)
        let descriptor = open(half, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw WriteFailed(code: errno) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard (try? file.write(contentsOf: Data("\(line)\n\(beat)\n".utf8))) != nil, rename(half, own.path) == 0
        else {
            let code = errno
            unlink(half)
            throw WriteFailed(code: code)
        }
    }

    /// What is in a file; nil for what can't be a side's: a pipe, which would be waited for, a link, or a long one.
    static func text(ofFile path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            let data = try? file.read(upToCount: longestFile + 1), data.count <= longestFile
        else { return nil }
        return String(data: data, encoding: .utf8)
    }
}

/// Tells the file of somebody who is there from what somebody has left behind: its beat goes on.
struct RoomWatch {
    private var seen: [String: String] = [:]
    private var told: [String: Set<String>] = [:]

    /// One that has said so many different lines is nobody.
    private static let linesPerFile = 3

    /// Looks at the files, a name and its text each; the lines of those that have changed since they were seen, each line once.
    mutating func observe(_ files: [(name: String, text: String)]) -> [String] {
        var lines: [String] = []
        for (name, text) in files {
            if let before = seen[name], before != text, told[name, default: []].count < Self.linesPerFile,
                let line = text.split(separator: "\n").first.map({ String($0) }),
                told[name, default: []].insert(line).inserted
            {
                lines.append(line)
            }
            seen[name] = text
        }
        return lines
    }
}

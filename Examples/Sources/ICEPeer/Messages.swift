import Foundation

/// One line to whoever runs the program; only what is there is written.
struct OutgoingLine: Encodable {
    let type: String
    var ufrag: String?
    var pwd: String?
    var options: [String]?
    var lite: Bool?
    var pacing: Int?
    var candidate: String?
    var state: String?
    var local: String?
    var remote: String?
    var reason: String?
    var data: String?
    var url: String?
    var code: Int?
    var message: String?
    var sent: Int?
    var received: Int?
    var bytes: Int?
    var elapsed: Double?
    var firstToLast: Double?

    init(_ type: String) { self.type = type }

    enum CodingKeys: String, CodingKey {
        case type, ufrag, pwd, options, lite, pacing, candidate, state, local, remote, reason, data, url, code, message
        case sent, received, bytes
        case elapsed = "elapsed_s"
        case firstToLast = "first_to_last_s"
    }

    /// Writes the line to standard output.
    func write() {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(self) else { return }
        line.append(UInt8(ascii: "\n"))
        // Nobody reading any more is no reason to stop: the end of input is.
        try? FileHandle.standardOutput.write(contentsOf: line)
    }

    static func error(_ message: String) -> OutgoingLine {
        var line = OutgoingLine("error")
        line.message = message
        return line
    }
}

/// One line from whoever runs the program.
struct IncomingLine: Decodable {
    let type: String
    var ufrag: String?
    var pwd: String?
    var options: [String]?
    var lite: Bool?
    var pacing: Int?
    var candidate: String?
    var data: String?
    var bytes: Int?
    var count: Int?

    init(_ text: String) throws {
        self = try JSONDecoder().decode(IncomingLine.self, from: Data(text.utf8))
    }
}

/// What is wrong with a line, in words.
struct BadLine: Error, CustomStringConvertible {
    let description: String
}

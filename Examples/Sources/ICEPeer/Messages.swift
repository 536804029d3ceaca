import Foundation
import ICE

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

    static func error(_ message: String) -> OutgoingLine {
        var line = OutgoingLine("error")
        line.message = message
        return line
    }
}

/// The answer to `statistics`: what the client counts, as it encodes itself, with the type of the line.
struct StatisticsLine: Encodable {
    private let statistics: ICEStatistics

    init(_ statistics: ICEStatistics) { self.statistics = statistics }

    private enum CodingKeys: CodingKey { case type }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode("statistics", forKey: .type)
        try statistics.encode(to: encoder)
    }
}

extension Encodable {
    /// Writes a line to standard output.
    func write() {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(self) else { return }
        line.append(UInt8(ascii: "\n"))
        // Nobody reading any more is no reason to stop: the end of input is.
        try? FileHandle.standardOutput.write(contentsOf: line)
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
    var interval: Int?
    var transport: Transport?

    /// What only the statistics of another agent have.
    struct Transport: Decodable {}

    init(_ text: String) throws {
        self = try JSONDecoder().decode(IncomingLine.self, from: Data(text.utf8))
    }
}

/// What is wrong with a line, in words.
struct BadLine: Error, CustomStringConvertible {
    let description: String
}

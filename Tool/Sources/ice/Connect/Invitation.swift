import Foundation
import ICE

/// All that one side tells the other: its parameters, its candidates, and what it wants to measure; as one line of text.
struct Invitation: Codable, Equatable {
    var parameters: ICEParameters
    /// Lines of RFC 8839 §5.1.
    var candidates: [String]
    /// How many pings it sends; nil for as many as there is time for.
    var pings: Int?
    /// How many seconds it wants to measure throughput for, each way.
    var throughput: Double?

    private enum CodingKeys: String, CodingKey {
        case parameters = "ice"
        case candidates, pings, throughput
    }

    /// What tells such a line from other text, and its form from a later one.
    private static let mark = "ice1:"

    /// What a terminal takes as one line of input: 4096 bytes, the end of the line included.
    static let longestLine = 4000

    /// As text without spaces.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Self.mark + ((try? encoder.encode(self)) ?? Data()).base64EncodedString()
    }

    /// Reads a line that was pasted, with spaces or a prompt's remains around it.
    ///
    /// It is another machine's: what is no number of pings or seconds makes it invalid.
    init(line: String) throws(BadInvitation) {
        guard let start = line.range(of: Self.mark) else { throw .noInvitation }
        let text = line[start.upperBound...].prefix { !$0.isWhitespace }
        guard let data = Data(base64Encoded: String(text)) else { throw .incomplete }
        do {
            self = try JSONDecoder().decode(Invitation.self, from: data)
        } catch {
            throw .incomplete
        }
        guard pings ?? 1 > 0, throughput ?? 1 > 0 else { throw .noFigure }
    }

    init(parameters: ICEParameters, candidates: [String], pings: Int? = nil, throughput: Double? = nil) {
        self.parameters = parameters
        self.candidates = candidates
        self.pings = pings
        self.throughput = throughput
    }

    /// The invitation with as many candidates as a line has room for: those of servers first, then hosts, best first.
    func fitting(_ limit: Int = longestLine) -> Invitation {
        var fitting = self
        fitting.candidates.sort { Self.rank($0) > Self.rank($1) }
        while fitting.line.utf8.count > limit, !fitting.candidates.isEmpty { fitting.candidates.removeLast() }
        return fitting
    }

    private static func rank(_ line: String) -> (Int, UInt32) {
        guard let candidate = try? Candidate(line) else { return (0, 0) }
        return (candidate.kind == .host ? 1 : 2, candidate.priority)
    }
}

/// Why a text is no invitation.
enum BadInvitation: Error, CustomStringConvertible {
    case noInvitation, incomplete, noFigure, ownLine

    var description: String {
        switch self {
        case .noInvitation: "this is no line of ice connect: paste the one that begins with ice1: on the other side"
        case .incomplete: "the line is not whole: copy all of it, to its end"
        case .noFigure: "the line asks for pings or seconds below 1 or 0: start the other side with other options"
        case .ownLine: "this is this side's own line: paste it on the other side, and the other side's here"
        }
    }
}

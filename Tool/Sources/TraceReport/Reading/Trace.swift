public import Foundation

/// A saved trace.
public struct Trace: Sendable {
    /// What it is called in reports.
    public let name: String
    let events: [TraceEvent]
    /// What is to be said about the file itself, such as that its last line is cut off.
    public let notes: [String]

    /// Reads JSON objects, one a line.
    ///
    /// Kinds of events and fields that are not known are kept. Lines that are no JSON objects are left out and counted in a note, as a
    /// program may have written other things into the same file. A last line without an end that is no JSON is left out, with a note:
    /// that is what a program leaves behind which was killed while it wrote.
    public init(_ data: Data, name: String) throws(TraceError) {
        var events: [TraceEvent] = []
        var notes: [String] = []
        let decoder = JSONDecoder()
        var number = 0
        var others: [Int] = []
        var rest = data[...]
        while !rest.isEmpty {
            number += 1
            let end = rest.firstIndex(of: UInt8(ascii: "\n"))
            let line = rest[..<(end ?? rest.endIndex)]
            rest = end.map { rest[rest.index(after: $0)...] } ?? rest[rest.endIndex...]
            guard line.contains(where: { !Self.isSpace($0) }) else { continue }
            guard let fields = try? decoder.decode([String: TraceValue].self, from: line) else {
                if end == nil, !events.isEmpty {
                    notes.append("The last line (\(number)) is cut off and was left out.")
                } else {
                    others.append(number)
                }
                continue
            }
            events.append(try TraceEvent(fields, line: number))
        }
        guard !events.isEmpty else {
            throw others.first.map { TraceError(line: $0, "is no JSON object") }
                ?? TraceError(line: nil, "there is no event in it")
        }
        if let first = others.first {
            notes.append(
                others.count == 1
                    ? "A line (\(first)) is no JSON object and was left out."
                    : "\(others.count) lines (the first is \(first)) are no JSON objects and were left out.")
        }
        (self.name, self.events, self.notes) = (name.printable, events, notes)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
}

extension TraceEvent {
    fileprivate init(_ fields: [String: TraceValue], line: Int) throws(TraceError) {
        guard case .number(let time) = fields["time"], 0...Self.largestNumber ~= time else {
            throw TraceError(line: line, "has no \"time\" in milliseconds")
        }
        guard case .text(let kind) = fields["event"] else { throw TraceError(line: line, "has no \"event\"") }
        var others = fields
        others["time"] = nil
        others["event"] = nil
        self.init(line: line, time: time, kind: kind, fields: others)
    }
}

/// Why a file is no trace.
public struct TraceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which line is at fault, from 1; nil for the file as a whole.
    public let line: Int?
    private let fault: String

    init(line: Int?, _ fault: String) {
        self.line = line
        self.fault = fault
    }

    /// What is wrong, and what would be right.
    public var description: String {
        let place = line.map { "line \($0) \(fault)" } ?? fault
        return
            "\(place): a trace has a JSON object a line with \"time\" and \"event\", as ice-peer --trace FILE writes it"
    }
}

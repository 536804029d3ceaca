/// How a report looks in a terminal.
public struct TextStyle: Sendable {
    /// Text alone.
    public static let plain = TextStyle(isColored: false)
    /// With the terminal's colours.
    public static let colored = TextStyle(isColored: true)

    private let isColored: Bool

    enum Ink: String {
        case bold = "1"
        case faint = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
    }

    func callAsFunction(_ text: String, _ inks: Ink...) -> String {
        guard isColored, !text.isEmpty else { return text }
        return "\u{1b}[\(inks.map(\.rawValue).joined(separator: ";"))m\(text)\u{1b}[0m"
    }
}

/// Columns that are as wide as what is in them.
struct TextTable {
    private var rows: [[String]]

    init(_ head: [String]) { rows = [head] }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// The lines, the first one being the head.
    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

import Foundation
import ICE

extension String {
    /// Filled up with spaces behind; never cut.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// Filled up with spaces in front; never cut.
    func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// Without control characters: what comes from the network must not steer the terminal.
    var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.filter { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: false
                    default: true
                    }
                }))
    }
}

extension Duration {
    /// Milliseconds, to the microsecond: what is behind that is noise in JSON.
    var roundedMilliseconds: Double { (milliseconds * 1000).rounded() / 1000 }
}

/// Numbers with their units.
enum Quantity {
    /// Such as `0.3 ms`, `12 ms`.
    static func milliseconds(_ value: Double) -> String {
        String(format: value < 9.95 ? "%.1f ms" : "%.0f ms", value)
    }

    /// Such as `1 ping`, `20 pings`.
    static func pings(_ count: Int) -> String { count == 1 ? "1 ping" : "\(count) pings" }

    /// Such as `93.1 Mbit/s`.
    static func bitRate(_ bitsPerSecond: Double) -> String {
        switch bitsPerSecond {
        case 999.5e6...: String(format: "%.2f Gbit/s", bitsPerSecond / 1e9)
        case 999.5e3...: String(format: "%.1f Mbit/s", bitsPerSecond / 1e6)
        default: String(format: "%.0f kbit/s", bitsPerSecond / 1e3)
        }
    }

    /// Such as `0 %`, `0.4 %`, `12 %`.
    static func percent(_ share: Double) -> String {
        let value = share * 100
        return String(format: value == 0 || value >= 9.95 ? "%.0f %%" : "%.1f %%", value)
    }
}

/// Lines of words in columns.
struct Table {
    private var rows: [[String]] = []

    init(_ headings: String...) { rows = [headings] }

    mutating func append(_ cells: String...) { rows.append(cells) }

    var description: String {
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            // The last cell of a row may be as long as it likes.
            rows.filter { $0.count > column + 1 }.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell.padded(to: widths[column])
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

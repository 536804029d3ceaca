/// A piece of a page. What is written in the source is markup, what is put into it is text: a trace can't bring markup along.
struct Markup: Sendable, ExpressibleByStringInterpolation {
    private(set) var source: String

    init(stringLiteral source: String) { self.source = source }
    init(stringInterpolation: StringInterpolation) { source = stringInterpolation.source }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity * 2) }

        mutating func appendLiteral(_ literal: String) { source += literal }
        mutating func appendInterpolation(_ markup: Markup) { source += markup.source }
        mutating func appendInterpolation(_ parts: [Markup]) { for part in parts { source += part.source } }
        mutating func appendInterpolation(_ text: some StringProtocol) { source += String(text).escaped }
        mutating func appendInterpolation(_ number: Int) { source += "\(number)" }

        /// A place in a picture, to a tenth of its unit.
        mutating func appendInterpolation(_ number: Double) {
            let tenths = Int((max(-1e6, min(1e6, number)) * 10).rounded())
            source += tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
        }
    }

    static func += (whole: inout Markup, part: Markup) { whole.source += part.source }
}

extension String {
    /// Fit for the text of an element and for an attribute in quotes.
    fileprivate var escaped: String {
        var result = ""
        result.reserveCapacity(utf8.count + 16)
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

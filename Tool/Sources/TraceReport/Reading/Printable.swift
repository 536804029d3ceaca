// A trace holds what the peer and servers have said. What is read from it goes to terminals and pages, so that nothing in it may move
// a cursor, turn the direction of writing around, or fill the screen.
extension String {
    /// The text with everything that is not to be seen written as `\u{1b}`, and cut where it is longer than any honest one.
    var printable: String {
        let scalars = unicodeScalars
        if scalars.count <= Self.printableLimit, scalars.allSatisfy(\.isPrintable) { return self }
        var text = ""
        for (index, scalar) in scalars.enumerated() {
            guard index < Self.printableLimit else { return text + "…" }
            if scalar.isPrintable {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return text
    }

    private static let printableLimit = 600
}

extension Unicode.Scalar {
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}

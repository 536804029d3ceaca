import Foundation

extension Double {
    /// The number without a fraction that says nothing: `401`, `20.5`.
    var shortest: String { self == rounded() && abs(self) < 1e15 ? String(format: "%.0f", self) : "\(self)" }

    /// Milliseconds as people read them: `0.4 ms`, `62 ms`, `1.52 s`, `35.2 s`, `10 min 5 s`.
    var asTime: String {
        switch self {
        case ..<9.95: String(format: "%.1f ms", self)
        case ..<999.5: String(format: "%.0f ms", self)
        case ..<9995: String(format: "%.2f s", self / 1000)
        case ..<59_950: String(format: "%.1f s", self / 1000)
        case ..<3_599_500: Self.inParts(self / 1000, "min", "s")
        default: Self.inParts(self / 60_000, "h", "min")
        }
    }

    /// Milliseconds to the last one, as logs have them: `61.234 s`.
    var inSeconds: String { String(format: "%.3f s", self / 1000) }

    private static func inParts(_ units: Double, _ large: String, _ small: String) -> String {
        let (whole, rest) = Int(units.rounded()).quotientAndRemainder(dividingBy: 60)
        return rest == 0 ? "\(whole) \(large)" : "\(whole) \(large) \(rest) \(small)"
    }
}

extension Int {
    /// `1 check`, `2 checks`.
    func of(_ noun: String, _ plural: String? = nil) -> String {
        self == 1 ? "1 \(noun)" : "\(self) \(plural ?? noun + "s")"
    }
}

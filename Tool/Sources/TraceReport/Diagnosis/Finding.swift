/// Something that a trace says about a call, with the lines that say it.
struct Finding: Sendable, Encodable {
    /// What was seen, and where.
    struct Evidence: Sendable, Encodable {
        let text: String
        /// The lines of the trace that it rests on; a few of them where there are many.
        let lines: [Int]

        init(_ text: String, _ lines: [Int] = []) {
            self.text = text
            self.lines = lines.count > Self.lineLimit ? Array(lines.prefix(Self.lineLimit)) : lines
        }

        private static let lineLimit = 4
    }

    /// What kind of finding it is, for programs.
    let code: String
    /// What it is, in words that can follow `Never connected: `.
    let title: String
    var evidence: [Evidence] = []
    /// What to do next.
    var advice: [String] = []
}

/// The rows of a picture over time: labels at the left, the axis shared by all.
struct Picture {
    static let gutter = 268.0
    static let width = 1180.0
    /// Room behind the end, for the state that the call was left in.
    static let margin = 84.0

    let scale: TimeScale
    private(set) var height: Double
    private var rows: Markup = ""
    private let guides: [Guide]

    struct Guide: Sendable {
        let time: Double
        let name: String
        let text: String
    }

    private static let head = 24.0

    init(_ scale: TimeScale, guides: [Guide]) {
        self.scale = scale
        self.guides = guides
        height = Self.head
    }

    static func scale(of call: Call) -> TimeScale {
        TimeScale(moments: call.moments, end: call.end, left: gutter, width: width - gutter - margin)
    }

    /// Adds a row of some height; what draws it is told where its top is.
    mutating func add(height rowHeight: Double, _ draw: (Double) -> Markup) {
        rows += draw(height)
        height += rowHeight
    }

    /// A line of text that begins a group of rows.
    mutating func addTitle(_ title: String) {
        add(height: 24) { "<text class=\"group\" x=\"0\" y=\"\($0 + 17)\">\(title)</text>" }
    }

    /// The whole picture with its axis.
    func svg(label: String) -> Markup {
        let bottom = height + 4
        let ticks: [Markup] = scale.ticks().map { tick in
            """
            <line class="grid" x1="\(tick.x)" y1="\(Self.head - 6)" x2="\(tick.x)" y2="\(bottom)"/>\
            <text class="tick" x="\(tick.x)" y="12">\(tick.label)</text>
            """
        }
        let lines: [Markup] = guides.map { guide in
            let x = scale.x(guide.time)
            return """
                <line class="guide \(guide.name)" x1="\(x)" y1="\(Self.head - 6)" x2="\(x)" y2="\(bottom)">\
                <title>\(guide.text)</title></line>
                """
        }
        return """
            <div class="scroll"><svg viewBox="0 0 \(Self.width) \(bottom + 2)" role="img" aria-label="\(label)">
            \(ticks)\(lines)\(rows)</svg></div>
            """
    }

    // MARK: Parts

    /// A bar from one moment to another; at least wide enough to be seen, and longer than the axis by the rest.
    func bar(
        _ name: String, from start: Double, to end: Double, y: Double, height: Double, rest: Double = 0, title: String
    )
        -> Markup
    {
        let x = scale.x(start)
        return """
            <rect class="\(name)" x="\(x)" y="\(y)" width="\(max(1.5, scale.x(end) - x + rest))" height="\(height)">\
            <title>\(title)</title></rect>
            """
    }

    /// A sign at a moment.
    func mark(_ name: String, at time: Double, y: Double, title: String) -> Markup {
        "<use href=\"#m-\(name)\" class=\"m-\(name)\" x=\"\(scale.x(time))\" y=\"\(y)\"><title>\(title)</title></use>"
    }

    static func label(_ text: String, y: Double, name: String = "label") -> Markup {
        "<text class=\"\(name)\" x=\"0\" y=\"\(y)\">\(text.shortened(to: 41))<title>\(text)</title></text>"
    }
}

extension String {
    /// The text with its middle left out where it is too long for its place.
    func shortened(to limit: Int) -> String {
        guard count > limit else { return self }
        return "\(prefix(limit / 2))…\(suffix(limit - limit / 2 - 1))"
    }

    /// What a state's parts are called in the style sheet; none but these get there.
    var stateClass: String {
        let known = [
            "new", "checking", "connected", "completed", "disconnected", "failed", "closed", "frozen", "waiting",
            "in-progress", "succeeded",
        ]
        return known.contains(self) ? "s-\(self)" : "s-unknown"
    }
}

import Foundation

/// The round trips of the pairs that carried data, below the session's state.
struct RoundTripChart {
    let call: Call

    private static let height = 150.0
    private static let pairLimit = 4
    /// More than there is room for are drawn as medians, with their least and greatest behind them.
    private static let pointLimit = 300
    private static let unansweredLimit = 1500

    private var pairs: [PairRecord] {
        call.pairs.filter { !$0.selectedAt.isEmpty && !$0.roundTrips.isEmpty }
            .sorted { ($0.selectedAt[0], $0.id) < ($1.selectedAt[0], $1.id) }
    }

    var markup: Markup {
        let used = Array(pairs.prefix(Self.pairLimit))
        guard let top = used.flatMap(\.roundTrips).max() else {
            return "<p>No pair carried data, so there is no round trip to show.</p>"
        }
        var picture = Picture(Picture.scale(of: call), guides: Timeline.guides(of: call))
        picture.addStates(of: call)
        let limit = Self.round(up: top)
        let canvas = picture
        picture.add(height: Self.height + 16) { y in
            "\(axis(upTo: limit, y + 8))\(used.indices.map { curve(used[$0], $0, upTo: limit, y + 8, canvas) })"
        }
        let keys: [Markup] = used.enumerated().map { "<span><i class=\"r\($0)\"></i>\($1.text)</span>" }
        let rest = pairs.count - used.count
        let more: Markup = rest > 0 ? "<span>and \(rest.of("further pair"))</span>" : ""
        return """
            <p class="legend">\(keys)\(more)<span><i class="tick-unanswered"></i>a check without an answer</span></p>\
            \(picture.svg(label: "Round-trip times of the selected pairs"))
            """
    }

    /// 1, 2 or 5 times a power of ten.
    private static func round(up value: Double) -> Double {
        let value = max(value, 0.1)
        let power = pow(10, floor(log10(value)))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? value
    }

    private func axis(upTo limit: Double, _ top: Double) -> Markup {
        let lines: [Markup] = [0, 0.5, 1].map { share in
            let y = top + Self.height * (1 - share)
            return """
                <line class="grid" x1="\(Picture.gutter)" y1="\(y)" x2="\(Picture.width - Picture.margin)" y2="\(y)"/>\
                <text class="y-tick" x="\(Picture.gutter - 8)" y="\(y + 4)">\(share == 0 ? "0" : (limit * share).asTime)</text>
                """
        }
        return "\(Picture.label("round trip", y: top + 14))\(lines)"
    }

    private struct Point {
        let time: Double
        let trip: Double
        let least: Double
        let greatest: Double
    }

    private static func points(of pair: PairRecord) -> [Point] {
        let measured = pair.checks.compactMap { check in
            check.roundTrip.map { (time: check.answeredAt ?? check.firstSentAt, trip: $0) }
        }.sorted { $0.time < $1.time }
        let size = (measured.count + pointLimit - 1) / pointLimit
        return stride(from: 0, to: measured.count, by: max(size, 1)).map { start in
            let group = measured[start..<min(start + size, measured.count)]
            let trips = group.map(\.trip).sorted()
            return Point(
                time: group[start + group.count / 2].time, trip: trips[trips.count / 2], least: trips[0],
                greatest: trips[trips.count - 1])
        }
    }

    private func curve(_ pair: PairRecord, _ index: Int, upTo limit: Double, _ top: Double, _ picture: Picture)
        -> Markup
    {
        let points = Self.points(of: pair)
        func y(_ trip: Double) -> Double { top + Self.height * (1 - trip / limit) }
        func path(_ places: [(Point, Double)]) -> Markup {
            var path: Markup = ""
            for (number, (point, trip)) in places.enumerated() {
                path += number == 0 ? "M" : "L"
                path += "\(picture.scale.x(point.time)) \(y(trip))"
            }
            return path
        }
        let isGrouped = points.contains { $0.least < $0.greatest }
        let edges = points.map { ($0, $0.greatest) } + points.reversed().map { ($0, $0.least) }
        let spread: Markup = isGrouped ? "<path class=\"spread\" d=\"\(path(edges))Z\"/>" : ""
        let dots: [Markup] = points.map { point in
            let range = isGrouped ? " (\(point.least.asTime) to \(point.greatest.asTime))" : ""
            return """
                <circle class="r\(index)" cx="\(picture.scale.x(point.time))" cy="\(y(point.trip))" r="\(isGrouped ? 1.2 : 2.6)">\
                <title>\(point.time.asTime): \(point.trip.asTime)\(range) over \(pair.text)</title></circle>
                """
        }
        let line = path(points.map { ($0, $0.trip) })
        return "\(spread)<path class=\"r\(index)\" d=\"\(line)\"/>\(dots)\(unanswered(pair, top, picture))"
    }

    private func unanswered(_ pair: PairRecord, _ top: Double, _ picture: Picture) -> Markup {
        let ticks: [Markup] = pair.checks.filter { $0.answeredAt == nil }.prefix(Self.unansweredLimit).map { check in
            let x = picture.scale.x(check.firstSentAt)
            return """
                <line class="unanswered" x1="\(x)" y1="\(top + Self.height - 9)" x2="\(x)" y2="\(top + Self.height)">\
                <title>\(check.firstSentAt.asTime): a \(check.purpose) check without an answer</title></line>
                """
        }
        return "\(ticks)"
    }
}

import ICE

/// This side's line for the other one.
struct InvitationFinding: Finding {
    let type = "invitation"
    let line: String
    /// Whether people have to carry it.
    let isPasted: Bool

    private enum CodingKeys: CodingKey { case type, line }

    func text(_ style: Style) -> String? {
        guard isPasted else { return nil }
        return
            "\nPaste this line into ice connect on the other side:\n\n\(line)\n\nand the line that it shows there here:"
    }
}

/// How far the session has come.
struct StateFinding: Finding {
    let type = "state"
    let state: String
    let fault: Fault?
    let milliseconds: Double

    func text(_ style: Style) -> String? {
        let time = style.faint(Quantity.milliseconds(milliseconds).leftPadded(to: 9))
        return "\(time)  \(fault == nil ? state : style.bad(state))\(fault.map { ": \($0.text)" } ?? "")"
    }
}

/// Data takes this way from now on.
struct PathFinding: Finding {
    let type = "path"
    let local: String
    let remote: String
    let relayed: Bool
    let milliseconds: Double

    init(_ pair: CandidatePair, milliseconds: Double) {
        (local, remote) = (Self.text(pair.local), Self.text(pair.remote))
        relayed = pair.isRelayed
        self.milliseconds = milliseconds
    }

    private static func text(_ candidate: Candidate) -> String {
        "\(candidate.hostName.map { "\($0):\(candidate.address.port)" } ?? "\(candidate.address)") (\(candidate.kind.rawValue))"
    }

    func text(_ style: Style) -> String? {
        let time = style.faint(Quantity.milliseconds(milliseconds).leftPadded(to: 9))
        return "\(time)  path: \(local) - \(remote)\(relayed ? ", over a relay" : ", direct")"
    }
}

/// A ping was answered; people see the figures of many.
struct PingFinding: Finding {
    let type = "ping"
    let number: UInt32
    let milliseconds: Double

    func text(_ style: Style) -> String? { nil }
}

/// How much gets through, one way.
struct Throughput: Finding, Equatable {
    enum Direction: String, Encodable {
        case up, down
    }

    let type = "throughput"
    let direction: Direction
    let bitsPerSecond: Double
    let bytes: UInt64
    let seconds: Double
    let loss: Double

    init(_ direction: Direction, _ receipt: Datagram.Receipt, sent: UInt32) {
        self.direction = direction
        bytes = receipt.bytes
        seconds = Double(receipt.microseconds) / 1e6
        bitsPerSecond = seconds > 0 ? (Double(bytes) * 8 / seconds).rounded() : 0
        loss = sent > 0 ? Double(sent > receipt.packets ? sent - receipt.packets : 0) / Double(sent) : 0
    }

    func text(_ style: Style) -> String? {
        let way = direction == .up ? "to the other side" : "from there"
        return
            "           throughput \(way): \(style.strong(Quantity.bitRate(bitsPerSecond))), \(Quantity.percent(loss)) lost"
    }
}

/// What came of it all.
struct ConnectSummary: Finding {
    let type = "summary"
    let works: Bool
    let path: String?
    let relayed: Bool?
    let pathChanges: Int
    let sent: Int
    let received: Int
    let loss: Double
    let roundTrip: RoundTrips.Times?
    let fault: Fault?

    func text(_ style: Style) -> String? {
        guard works else { return style.bad("does not work: \(fault?.text ?? "")") }
        let way = relayed == true ? "works over a relay" : "works, directly"
        let changes =
            pathChanges == 0 ? "" : pathChanges == 1 ? ", one change of path" : ", \(pathChanges) changes of path"
        let time = roundTrip.map { ": round trip \($0.text)" } ?? ""
        return style.good("\(way)\(time), \(Quantity.percent(loss)) of \(Quantity.pings(sent)) lost\(changes)")
    }
}

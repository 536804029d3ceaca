import FlyingFox
import Foundation
import ICE

/// What the page says.
struct PageRequest: Decodable {
    enum Kind: String, Decodable {
        case offer, candidate, statistics
    }

    let type: Kind
    var sdp: String?
    var candidate: SignalledCandidate?
}

/// What the page is told; only what is there is written.
struct PageMessage: Encodable {
    let type: String
    var sdp: String?
    var candidate: SignalledCandidate?
    var state: ICEState?
    var gathering: ICEGatheringState?
    /// In the words of WebRTC's `getStats()`, so that the page shows both sides with the same code.
    var statistics: ICEStatistics?
    var reason: String?

    init(_ type: String) { self.type = type }

    static func error(_ reason: String) -> PageMessage {
        var message = PageMessage("error")
        message.reason = reason
        return message
    }

    func send(to outbox: PageServer.Outbox) {
        guard let json = try? JSONEncoder().encode(self) else { return }
        if case .dropped = outbox.yield(.text(String(decoding: json, as: UTF8.self))) { outbox.finish() }
    }
}

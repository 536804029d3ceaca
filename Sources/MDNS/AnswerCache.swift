import DNS
import NetBase

/// The addresses of names that were asked for, each for as long as its answer says, bounded.
struct AnswerCache {
    private struct Entry {
        let name: MulticastName
        let address: IPAddress
        var expiry: Instant
    }

    /// The oldest come first.
    private var entries: [Entry] = []

    /// As many names as may be looked up at a time, with the two addresses that are one too many.
    static let limit = 2 * MDNSCore.queryLimit

    /// RFC 6762 §10: "The recommended TTL value for Multicast DNS resource records with a host name as the resource record's name […] SHOULD
    /// be 120 seconds", others 75 minutes: nothing is kept for longer.
    private static let longestLife = Duration.seconds(4500)

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    func contains(_ name: MulticastName) -> Bool { entries.contains { $0.name == name } }

    func addresses(of name: MulticastName, at now: Instant) -> [IPAddress] {
        entries.filter { $0.name == name && $0.expiry > now }.map(\.address)
    }

    /// Takes the records of one message about one name.
    mutating func take(_ records: [DNSRecord], of name: MulticastName, at now: Instant) {
        entries.removeAll { $0.expiry <= now }
        // RFC 6762 §10.2: unique records take the place of those that came in earlier messages.
        if records.contains(where: { $0.isUnique && $0.timeToLive > 0 }) { entries.removeAll { $0.name == name } }
        for record in records {
            guard let address = record.address?.unmapped else { continue }
            entries.removeAll { $0.name == name && $0.address == address }
            // RFC 6762 §10.1: a TTL of 0 takes a record back.
            guard record.timeToLive > 0, entries.count(where: { $0.name == name }) < 2 else { continue }
            let life = min(Duration.seconds(Int64(record.timeToLive)), Self.longestLife)
            if entries.count >= Self.limit { entries.removeFirst() }
            entries.append(Entry(name: name, address: address, expiry: now + life))
        }
    }
}

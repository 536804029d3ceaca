import NetBase

/// The names that stand for addresses of this machine, one for each for as long as it is there
/// (draft-ietf-mmusic-mdns-ice-candidates §3.1.1).
struct HostNames {
    private struct Entry {
        let ip: IPAddress
        let name: MulticastName
        var hasFailed = false
    }

    private var entries: [Entry] = []

    func name(of ip: IPAddress) -> MulticastName? { entries.first { $0.ip == ip }?.name }

    /// Whether nobody answers for the name of an address.
    func hasFailed(_ ip: IPAddress) -> Bool { entries.contains { $0.ip == ip && $0.hasFailed } }

    mutating func add(_ name: MulticastName, of ip: IPAddress) { entries.append(Entry(ip: ip, name: name)) }

    mutating func fail(_ name: MulticastName) {
        for index in entries.indices where entries[index].name == name { entries[index].hasFailed = true }
    }

    /// Forgets the names of addresses that are not used any more, and tells which.
    mutating func removeAll(except used: Set<IPAddress>) -> [MulticastName] {
        let gone = entries.filter { !used.contains($0.ip) }.map(\.name)
        entries.removeAll { !used.contains($0.ip) }
        return gone
    }
}

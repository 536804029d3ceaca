import DNS
package import NetBase

/// A name that is being looked up.
struct Query {
    let name: MulticastName
    var clients: [MDNSCore.ClientID]
    /// How often it was asked for.
    var sent = 0
    /// When it is asked for again, or given up.
    var deadline: Instant
}

extension MDNSCore {
    /// When a name is asked for, counted from the beginning, and when it is given up.
    ///
    /// RFC 6762 §5.2: "the interval between the first two queries MUST be at least one second, the intervals between successive queries MUST
    /// increase by at least a factor of two". Chromium has announced a page's name up to some seconds after it has told it.
    private static let schedule: [Duration] = [.zero, .seconds(1), .seconds(3), .seconds(7), .seconds(15)]

    /// Looks a name up: ``Effect/resolved(_:_:)`` or ``Effect/failed(_:_:)`` tells what came of it.
    package mutating func resolve(_ name: MulticastName, for client: ClientID, at now: Instant) {
        if let own = publications.first(where: { $0.name == name }) { return emit(.resolved(name, own.address)) }
        switch cache.addresses(of: name, at: now) {
        case let known where known.count == 1: return emit(.resolved(name, known[0]))
        case let known where known.count > 1: return emit(.failed(name, .ambiguous))
        default: break
        }
        let isAtLimit = queries.count { $0.clients.contains(client) } >= Self.clientQueryLimit
        if let index = queries.firstIndex(where: { $0.name == name }) {
            if queries[index].clients.contains(client) { return }
            guard !isAtLimit else { return emit(.failed(name, .tooMany)) }
            queries[index].clients.append(client)
            return
        }
        guard !isAtLimit, queries.count < Self.queryLimit else { return emit(.failed(name, .tooMany)) }
        queries.append(Query(name: name, clients: [client], deadline: now))
        advanceQueries(to: now)
    }

    /// A client does not want to know any more.
    package mutating func cancel(_ name: MulticastName, for client: ClientID) {
        guard let index = queries.firstIndex(where: { $0.name == name }) else { return }
        queries[index].clients.removeAll { $0 == client }
        if queries[index].clients.isEmpty { queries.remove(at: index) }
    }

    mutating func advanceQueries(to now: Instant) {
        var unanswered: [MulticastName] = []
        for index in queries.indices where now >= queries[index].deadline {
            let sent = queries[index].sent
            if sent == Self.schedule.count - 1 {
                unanswered.append(queries[index].name)
                continue
            }
            queries[index].sent += 1
            queries[index].deadline = now + (Self.schedule[sent + 1] - Self.schedule[sent])
            ask(for: queries[index].name, isFirst: sent == 0)
        }
        for name in unanswered { end(name, with: .failed(name, .noAnswer)) }
    }

    /// RFC 6762 §5.4: the first question may be answered by unicast. Another program on this machine may get such an answer in our place
    /// (§15.1), so that the others ask for multicast.
    private mutating func ask(for name: MulticastName, isFirst: Bool) {
        var message = DNSMessage()
        message.questions = [DNSRecordType.a, .aaaa].map { DNSQuestion(name.description, $0, wantsUnicast: isFirst) }
        if let bytes = try? message.bytes() { emit(.multicast(bytes)) }
    }

    private mutating func end(_ name: MulticastName, with effect: Effect) {
        queries.removeAll { $0.name == name }
        emit(effect)
    }

    // MARK: Answers

    /// Takes the addresses of names that were asked for; everything else in an answer is nobody's business here.
    mutating func take(_ records: [DNSRecord], at now: Instant) {
        var found: [(name: MulticastName, records: [DNSRecord])] = []
        for record in records where record.address != nil {
            guard let name = MulticastName(record.name), isOfInterest(name) else { continue }
            if let index = found.firstIndex(where: { $0.name == name }) {
                found[index].records.append(record)
            } else {
                found.append((name, [record]))
            }
        }
        for (name, records) in found { take(records, of: name, at: now) }
    }

    private func isOfInterest(_ name: MulticastName) -> Bool {
        queries.contains { $0.name == name } || cache.contains(name)
    }

    private mutating func take(_ records: [DNSRecord], of name: MulticastName, at now: Instant) {
        cache.take(records, of: name, at: now)
        guard queries.contains(where: { $0.name == name }) else { return }
        let addresses = cache.addresses(of: name, at: now)
        // The draft, §3.2.1: where a name "resolves to more than one IP address", the candidate is ignored.
        if addresses.count > 1 { return end(name, with: .failed(name, .ambiguous)) }
        if let address = addresses.first { end(name, with: .resolved(name, address)) }
    }
}

import DNS
package import NetBase

/// A name of ours and the address behind it.
struct Publication {
    let name: MulticastName
    var address: IPAddress
    /// How often it was announced.
    var announcements = 0
    /// When its record was last sent to the group.
    var lastMulticast: Instant?
    /// When it is to be sent there next, if it is.
    var nextMulticast: Instant?
}

extension MDNSCore {
    /// RFC 6762 §10: "The recommended TTL value for Multicast DNS resource records with a host name as the resource record's name […] SHOULD
    /// be 120 seconds."
    static let timeToLive: UInt32 = 120

    /// RFC 6762 §6: "a Multicast DNS responder MUST NOT (except in the one special case of answering probe queries) multicast a record on a
    /// given interface until at least one second has elapsed since the last time that record was multicast on that particular interface."
    static let multicastInterval = Duration.seconds(1)

    /// RFC 6762 §8.3: "The Multicast DNS responder MUST send at least two unsolicited responses, one second apart."
    private static let announcements = 2

    /// So many, with all there is to say about them, fit into any packet.
    private static let namesPerMessage = 6

    /// Answers for a name from now on, and announces it twice. Its UUID makes it unique, so that nobody is asked whether he has it
    /// (draft-ietf-mmusic-mdns-ice-candidates §3.1.1).
    package mutating func publish(_ name: MulticastName, _ address: IPAddress, at now: Instant) {
        let address = address.scoped(to: 0).unmapped
        publications.removeAll { $0.name == name }
        publications.append(Publication(name: name, address: address, nextMulticast: now))
        advancePublications(to: now)
    }

    /// Answers for a name no more, and says so (RFC 6762 §10.1).
    package mutating func unpublish(_ name: MulticastName) {
        guard let index = publications.firstIndex(where: { $0.name == name }) else { return }
        let gone = publications.remove(at: index)
        guard gone.lastMulticast != nil, let bytes = message(about: [gone], timeToLive: 0) else { return }
        emit(.multicast(bytes))
    }

    /// Says all names anew: there may be interfaces that have not heard them.
    package mutating func announceAgain(at now: Instant) {
        for index in publications.indices {
            publications[index].announcements = 0
            schedule(at: index, now)
        }
        advancePublications(to: now)
    }

    mutating func advancePublications(to now: Instant) {
        var due: [Publication] = []
        for index in publications.indices {
            guard let next = publications[index].nextMulticast, now >= next else { continue }
            publications[index].nextMulticast = nil
            publications[index].lastMulticast = now
            publications[index].announcements += 1
            due.append(publications[index])
            if publications[index].announcements < Self.announcements {
                publications[index].nextMulticast = now + Self.multicastInterval
            }
        }
        for start in stride(from: 0, to: due.count, by: Self.namesPerMessage) {
            let some = Array(due[start..<min(start + Self.namesPerMessage, due.count)])
            if let bytes = message(about: some) { emit(.multicast(bytes)) }
        }
    }

    /// Lets a record go to the group as soon as it may.
    private mutating func schedule(at index: Int, _ now: Instant) {
        let earliest = publications[index].lastMulticast.map { max(now, $0 + Self.multicastInterval) } ?? now
        publications[index].nextMulticast = min(publications[index].nextMulticast ?? earliest, earliest)
    }

    // MARK: Questions

    /// No more questions and answers of one message are looked at than anybody needs who is well.
    private static let readLimit = 64

    /// Answers the questions for names of ours.
    mutating func answer(_ query: DNSMessage, from source: TransportAddress, at now: Instant) {
        // Whoever asks from another port knows nothing of multicast, and gets what DNS has (RFC 6762 §6.7).
        let isLegacy = source.port != Self.port
        var direct: [Publication] = []
        guard !publications.isEmpty else { return }
        let questions = query.questions.prefix(Self.readLimit).filter(\.isInternet).map { (MulticastName($0.name), $0) }
        for index in publications.indices {
            let publication = publications[index]
            let asked = questions.filter { $0.0 == publication.name }.map(\.1)
            guard !asked.isEmpty, !isKnown(publication, by: query) else { continue }
            if isLegacy || mayAnswerDirectly(asked, publication, source, at: now) {
                direct.append(publication)
            } else {
                schedule(at: index, now)
            }
        }
        advancePublications(to: now)
        guard !direct.isEmpty, unicastAllowance.take(at: now) else { return }
        if let bytes = message(about: direct, answering: isLegacy ? query : nil) { emit(.unicast(bytes, to: source)) }
    }

    /// RFC 6762 §7.1: "a Multicast DNS responder MUST NOT answer […] if the answer it would give is already included in the Answer Section
    /// with an RR TTL at least half the correct value."
    private func isKnown(_ publication: Publication, by query: DNSMessage) -> Bool {
        query.answers.prefix(Self.readLimit).contains {
            $0.address == publication.address && MulticastName($0.name) == publication.name
                && $0.timeToLive >= Self.timeToLive / 2
        }
    }

    /// RFC 6762 §5.4: by unicast where that is asked for, "if the responder has […] multicast that record recently (within one quarter of its
    /// TTL)". Two programs of one machine share the port, which unicast reaches one of alone (§15.1).
    private func mayAnswerDirectly(
        _ asked: [DNSQuestion], _ publication: Publication, _ source: TransportAddress, at now: Instant
    ) -> Bool {
        guard asked.allSatisfy(\.wantsUnicast), let last = publication.lastMulticast else { return false }
        let isRecent = now - last < .seconds(Int64(Self.timeToLive / 4))
        return isRecent && !publications.contains { $0.address == source.ip.scoped(to: 0) } && !source.ip.isLoopback
    }

    /// What there is to say about names, with the types that each of them lacks (RFC 6762 §6.1).
    private func message(
        about publications: [Publication], timeToLive: UInt32 = timeToLive, answering query: DNSMessage? = nil
    ) -> [UInt8]? {
        var message = DNSMessage.response
        var seconds = timeToLive
        if let query {
            message.id = query.id
            message.questions = query.questions
            // RFC 6762 §6.7: "the resource record TTL given in a legacy unicast response SHOULD NOT be greater than ten seconds".
            seconds = min(seconds, 10)
        }
        for publication in publications {
            let (name, address) = (publication.name.description, publication.address)
            message.answers.append(
                DNSRecord(name, address: address, isUnique: query == nil, timeToLive: seconds))
            guard seconds > 0, var only = DNSRecord.only(.address(address.family), of: name, timeToLive: seconds)
            else { continue }
            only.isUnique = query == nil
            message.additionals.append(only)
        }
        return try? message.bytes()
    }
}

/// How many answers may leave by unicast: whoever forges questions is to make little of this responder.
struct UnicastAllowance {
    private var second: Instant?
    private var count = 0

    private static let perSecond = 50

    mutating func take(at now: Instant) -> Bool {
        if let second, now - second < .seconds(1) {
            count += 1
            return count <= Self.perSecond
        }
        (second, count) = (now, 1)
        return true
    }
}

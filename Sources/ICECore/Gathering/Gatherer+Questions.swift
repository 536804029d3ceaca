import NetBase
import STUN

// What STUN servers are asked, and what they answer (RFC 8445 §5.1.1.2).

extension Gatherer {
    /// One socket's question to one server.
    struct Query {
        enum State {
            case queued
            case asking(STUNTransaction)
            case answered(nextKeepalive: Instant)
            case failed
        }

        let socket: SocketID
        let base: TransportAddress
        let server: TransportAddress
        let serverIndex: Int
        /// Whether it goes over a connection from the socket's port (RFC 6544 §5.2).
        var isOverTCP = false
        var state = State.queued

        var isPending: Bool {
            switch state {
            case .queued, .asking: true
            case .answered, .failed: false
            }
        }
    }

    /// What a server's answer means.
    enum Finding {
        /// A socket's address as the server sees it.
        case mapped(TransportAddress, socket: SocketID, server: IPAddress)
        /// A server that gives no candidate.
        case failed(CandidateError)
    }

    var hasQueued: Bool {
        queries.contains { if case .queued = $0.state { true } else { false } }
    }

    /// Sends the next question; RFC 8445 §14.3: "RTO = MAX (500ms, Ta * (Num-Of-Pairs))".
    mutating func beginNext(
        transactionID: STUNTransactionID, interval: Duration, pacing: PacingProfile, at now: Instant
    ) -> Query? {
        guard let index = queries.firstIndex(where: { if case .queued = $0.state { true } else { false } }) else {
            return nil
        }
        let count = queries.lazy.filter(\.isPending).count
        var schedule = pacing.schedule(max(pacing.initialRetransmissionTimeout, interval * count))
        schedule.reliableTimeout = Self.patienceOverTCP
        var request = STUNMessage(.request, .binding, transactionID: transactionID)
        request.appendFingerprint()
        queries[index].state = .asking(
            STUNTransaction(
                request: request, key: nil, schedule: schedule, isReliable: queries[index].isOverTCP, at: now))
        return queries[index]
    }

    /// Many servers, and firewalls before them, let no TCP in: gathering is not to be long for that.
    private static let patienceOverTCP = Duration.seconds(5)

    /// Takes an answer; nil when it belongs to none of the questions.
    mutating func receive(
        _ response: STUNMessage, from source: TransportAddress, on socket: SocketID, keepalive: KeepaliveInterval,
        at now: Instant, using generator: inout some RandomNumberGenerator
    ) -> Finding? {
        for index in queries.indices where queries[index].socket == socket && queries[index].server == source {
            guard case .asking(var transaction) = queries[index].state,
                transaction.transactionID == response.transactionID
            else { continue }
            let outcome = transaction.receive(response, at: now)
            queries[index].state = .asking(transaction)
            guard let outcome else { return nil }
            if !queries[index].isOverTCP { roundTripTime = roundTripTime ?? transaction.roundTripTime(at: now) }
            sawLoss = sawLoss || transaction.transmissions > 1
            return finish(index, outcome, response, nextKeepalive: now + keepalive.draw(using: &generator))
        }
        return nil
    }

    private mutating func finish(
        _ index: Int, _ outcome: STUNTransaction.Outcome, _ response: STUNMessage, nextKeepalive: Instant
    ) -> Finding? {
        let query = queries[index]
        switch outcome {
        case .success:
            let mapped =
                response[STUNMessage.XORMappedAddress.self]?.address
                ?? response[STUNMessage.MappedAddress.self]?.address
            guard let mapped, mapped.family == query.base.family else {
                return fail(index, code: 600, text: "the server's answer has no address of the socket's family")
            }
            queries[index].state = .answered(nextKeepalive: nextKeepalive)
            return .mapped(mapped.unmapped, socket: query.socket, server: query.server.ip)
        case .error(let error):
            return fail(index, code: error.code, text: error.reason)
        case .failed(let failure):
            return fail(index, code: CandidateError.unreachable, text: "no usable answer: \(failure)")
        }
    }

    mutating func fail(_ index: Int, code: Int, text: String) -> Finding? {
        queries[index].state = .failed
        // Where UDP is in use, the server is no worse for having no TCP.
        if queries[index].isOverTCP, sockets.contains(where: { $0.reach == .all }) { return nil }
        return report(queries[index].serverIndex, from: queries[index].base, code: code, text: text).map(Finding.failed)
    }

    /// The system could not send to a server, or says that nobody is there.
    mutating func unreachable(_ server: TransportAddress, from socket: SocketID, _ error: NetworkError) -> Finding? {
        let index = queries.firstIndex { query in
            guard case .asking = query.state else { return false }
            return query.socket == socket && query.server == server
        }
        return index.flatMap { fail($0, code: CandidateError.unreachable, text: error.description) }
    }
}

import NetBase
import STUN

extension Gatherer {
    var deadline: Instant? {
        var first = Earliest()
        if state == .gathering { first.note(end) }
        if queries.isEmpty { return first.instant }
        for query in queries {
            switch query.state {
            case .asking(let transaction): first.note(transaction.deadline)
            case .answered(let nextKeepalive): if !query.isOverTCP { first.note(nextKeepalive) }
            case .queued, .failed: break
            }
        }
        return first.instant
    }

    /// What became due.
    struct Due {
        var sends: [(SocketID, TransportAddress, STUNMessage)] = []
        var findings: [Finding] = []
        var abandonedRelays: [SocketID] = []
        /// What is not there by now is waited for no longer.
        var isTimeUp = false
    }

    /// Retransmits, gives up, and keeps the mappings alive that were found (RFC 8445 §5.1.1.4).
    mutating func advance(
        to now: Instant, keepalive: KeepaliveInterval, using generator: inout some RandomNumberGenerator
    ) -> Due {
        var due = Due()
        for index in queries.indices {
            switch queries[index].state {
            case .asking(var transaction):
                let step = transaction.advance(to: now)
                queries[index].state = .asking(transaction)
                switch step {
                case .retransmit: due.sends.append((queries[index].socket, queries[index].server, transaction.request))
                case .failed: giveUp(index, &due)
                case nil: break
                }
            case .answered(let nextKeepalive) where !queries[index].isOverTCP && now >= nextKeepalive:
                queries[index].state = .answered(nextKeepalive: now + keepalive.draw(using: &generator))
                var request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(using: &generator))
                request.appendFingerprint()
                due.sends.append((queries[index].socket, queries[index].server, request))
            case .queued, .answered, .failed: break
            }
        }
        if state == .gathering, let end, now >= end { giveUpAll(&due) }
        return due
    }

    private mutating func giveUpAll(_ due: inout Due) {
        end = nil
        openingSockets = 0
        due.isTimeUp = true
        mappings.giveUp()
        for index in servers.indices where servers[index].addresses == nil {
            if let error = resolutionFailed(index, "no answer in time") { due.findings.append(.failed(error)) }
        }
        for index in queries.indices where queries[index].isPending { giveUp(index, &due) }
        let (requests, opening) = relays.giveUp()
        due.abandonedRelays = opening
        for request in requests {
            let error = report(
                request, code: CandidateError.unreachable,
                text:
                    "the server did not answer in time: check its address, port and transport, and the firewalls on the way"
            )
            if let error { due.findings.append(.failed(error)) }
        }
    }

    private mutating func giveUp(_ index: Int, _ due: inout Due) {
        if let finding = fail(
            index, code: CandidateError.unreachable, text: "the server did not answer: check its address and port")
        {
            due.findings.append(finding)
        }
    }
}

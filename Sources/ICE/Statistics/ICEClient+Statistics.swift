import ICECore
import NetBase

extension ICEClient {
    /// What was counted since the client was made, per pair and in all, and how everything stands. It may be asked after ``close()`` too.
    public func statistics() -> ICEStatistics {
        let now = platform.now
        let timestamp = (now - madeAt).milliseconds
        let fragment = agent.localParameters.usernameFragment
        let remoteFragment = agent.remoteUsernameFragment
        return ICEStatistics(
            timestamp: timestamp, packetsSent: counted.packetsSent, bytesSent: counted.bytesSent,
            packetsReceived: counted.packetsReceived, bytesReceived: counted.bytesReceived,
            packetsDiscardedOnSend: counted.packetsDiscardedOnSend, foreignDatagrams: counted.foreignDatagrams,
            malformedMessages: UInt64(agent.counters.malformed),
            unauthenticatedRequests: UInt64(agent.counters.unauthenticated),
            unmatchedResponses: UInt64(agent.counters.unmatched),
            ignoredCandidates: counted.ignoredCandidates + UInt64(agent.counters.ignoredCandidates),
            transport: transportStatistics(usernameFragment: fragment, timestamp: timestamp),
            candidatePairs: pairStatistics(at: now),
            localCandidates: agent.allLocalCandidates.map {
                CandidateStatistics(local: $0, usernameFragment: fragment, timestamp: timestamp)
            },
            remoteCandidates: remoteCandidates.map {
                CandidateStatistics(remote: $0, usernameFragment: remoteFragment, timestamp: timestamp)
            })
    }

    private func transportStatistics(usernameFragment: String, timestamp: Double) -> TransportStatistics {
        TransportStatistics(
            timestamp: timestamp, packetsSent: counted.packetsSent, packetsReceived: counted.packetsReceived,
            bytesSent: counted.bytesSent, bytesReceived: counted.bytesReceived, role: agent.role,
            localUsernameFragment: usernameFragment, state: agent.state,
            selectedCandidatePairID: agent.selectedPair(of: .first)?.id,
            selectedCandidatePairIDs: agent.selectedPairIDs.map(\.description),
            selectedCandidatePairChanges: selectedPairChanges)
    }

    private func pairStatistics(at now: Instant) -> [CandidatePairStatistics] {
        let pairs = agent.countedPairs
        let selected = agent.selectedPairIDs
        return pairs.map { pair in
            // While the pair of an earlier generation carries data, what goes between its addresses is its own.
            let isShadowed = pairs.contains { other in
                other.id != pair.id && other.socket == pair.socket && other.destination == pair.destination
                    && selected.contains(other.id)
            }
            return CandidatePairStatistics(
                pair, isShadowed ? PairTraffic() : traffic(on: pair), isSelected: selected.contains(pair.id), at: now,
                since: madeAt)
        }
    }

    private func traffic(on pair: CheckPair) -> PairTraffic {
        let closed = closedTraffic.first { $0.socket == pair.socket && $0.address == pair.destination }?.traffic
        var traffic = closed ?? PairTraffic()
        if let socket = sockets.first(where: { $0.id == pair.socket }) {
            traffic = socket.traffic(with: pair.destination) ?? traffic
        }
        for way in paths where way.id == pair.socket && way.destination == pair.destination {
            traffic.add(sent: way.sent)
        }
        return traffic
    }

    // MARK: Counting

    func countSent(_ count: Int, _ byteCount: Int, on way: DataPath) {
        counted.packetsSent += UInt64(count)
        counted.bytesSent += UInt64(byteCount)
        way.sent.sent(count, byteCount, at: way.lastSentAt ?? madeAt)
    }

    func countDiscarded(_ count: Int, _ byteCount: Int, on way: DataPath) {
        counted.packetsDiscardedOnSend += UInt64(count)
        way.sent.discarded(count, byteCount)
    }

    /// A restart makes new pairs, which begin at nothing; those in use go on.
    func resetUnusedTraffic() {
        for index in sockets.indices {
            let id = sockets[index].id
            sockets[index].resetTraffic { address in paths.contains { $0.id == id && $0.destination == address } }
        }
    }

    /// What a path has sent stays with its pair.
    func keepTraffic(of way: DataPath) {
        if let index = sockets.firstIndex(where: { $0.id == way.id }),
            sockets[index].add(way.sent, to: way.destination)
        {
            return
        }
        if let index = closedTraffic.firstIndex(where: { $0.socket == way.id && $0.address == way.destination }) {
            closedTraffic[index].traffic.add(sent: way.sent)
        }
    }

    /// What went over a socket stays known for as long as its pairs are.
    func keepTraffic(of socket: ClientSocket) {
        for pair in agent.countedPairs where pair.socket == socket.id {
            guard let traffic = socket.traffic(with: pair.destination) else { continue }
            keepTraffic(traffic, with: pair.destination, on: socket.id)
        }
    }

    func keepTraffic(_ traffic: PairTraffic, with address: TransportAddress, on socket: SocketID) {
        let pairs = agent.countedPairs
        closedTraffic.removeAll { closed in
            let isReplaced = closed.socket == socket && closed.address == address
            return isReplaced || !pairs.contains { $0.socket == closed.socket && $0.destination == closed.address }
        }
        guard pairs.contains(where: { $0.socket == socket && $0.destination == address }) else { return }
        closedTraffic.append(ClosedTraffic(socket: socket, address: address, traffic: traffic))
    }
}

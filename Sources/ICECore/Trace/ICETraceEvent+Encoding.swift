import NetBase

extension ICETraceEvent: Encodable {
    private enum CodingKeys: String, CodingKey {
        case time, event, generation, stream, component
        case candidateID = "candidateId"
        case candidate
        case pairID = "pairId"
        case pair
        case localCandidateID = "localCandidateId"
        case remoteCandidateID = "remoteCandidateId"
        case state, reason, message, purpose
        case transactionID = "transactionId"
        case retransmission, useCandidate, source, destination, roundTripTime, code, usernameFragment, role, url
    }

    /// Writes one flat object: `time` and `event`, then the fields that the event has; candidates, pairs and addresses as text.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(time.milliseconds, forKey: .time)
        try object.encode(kind.description, forKey: .event)
        try object.encodeIfPresent(generation, forKey: .generation)
        try object.encodeIfPresent(path?.stream.index, forKey: .stream)
        try object.encodeIfPresent(path?.component.rawValue, forKey: .component)
        try object.encodeIfPresent(candidateID, forKey: .candidateID)
        try object.encodeIfPresent(candidate?.description, forKey: .candidate)
        try object.encodeIfPresent(pairID, forKey: .pairID)
        try object.encodeIfPresent(pair?.description, forKey: .pair)
        try object.encodeIfPresent(localCandidateID, forKey: .localCandidateID)
        try object.encodeIfPresent(remoteCandidateID, forKey: .remoteCandidateID)
        try object.encodeIfPresent(state, forKey: .state)
        try object.encodeIfPresent(reason, forKey: .reason)
        try object.encodeIfPresent(message, forKey: .message)
        try object.encodeIfPresent(purpose, forKey: .purpose)
        try object.encodeIfPresent(transactionID, forKey: .transactionID)
        try object.encodeIfPresent(retransmission, forKey: .retransmission)
        try object.encodeIfPresent(usesCandidate, forKey: .useCandidate)
        try object.encodeIfPresent(source?.description, forKey: .source)
        try object.encodeIfPresent(destination?.description, forKey: .destination)
        try object.encodeIfPresent(roundTripTime?.milliseconds, forKey: .roundTripTime)
        try object.encodeIfPresent(code, forKey: .code)
        try object.encodeIfPresent(usernameFragment, forKey: .usernameFragment)
        try object.encodeIfPresent(role, forKey: .role)
        try object.encodeIfPresent(url, forKey: .url)
    }
}

extension ICETraceEvent: CustomStringConvertible {
    /// The time in milliseconds, the kind, and what it is about: `52.1 ms pair-state CP0.0.0 … succeeded answered`.
    public var description: String {
        let tenths = Int64((time.milliseconds * 10).rounded())
        let details: [String?] = [
            pairID ?? candidateID, pair?.description ?? candidate?.description, purpose,
            usesCandidate == true ? "USE-CANDIDATE" : nil, retransmission.flatMap { $0 > 0 ? "again (\($0))" : nil },
            source.map { "from \($0)" }, destination.map { "to \($0)" }, state, role?.rawValue, url,
            code.map(String.init), reason, message, roundTripTime.map { "after \($0.milliseconds) ms" },
            usernameFragment,
        ]
        let head = "\(tenths / 10).\(tenths % 10) ms \(kind)"
        return ([head] + details.compactMap { $0 }).joined(separator: " ")
    }
}

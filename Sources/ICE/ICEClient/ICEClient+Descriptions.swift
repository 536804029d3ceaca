public import ICECore
import NetBase

// MARK: - Session descriptions

extension ICEClient {
    /// The local description: streams, credentials and the candidates so far, as SDP when written out.
    ///
    /// With candidates that are signalled as they come it may be sent at once; without, after ``onCandidate`` has given nil.
    public var localDescription: SessionDescription {
        var description = SessionDescription(parameters: localParameters, media: streams)
        description.setCandidates(localCandidates, endOfCandidates: gatheringState == .complete)
        return description
    }

    /// Fixes the streams and their components and starts gathering, as in browsers.
    ///
    /// Whoever describes first controls, whatever the configured role (RFC 8445 §6.1.1).
    ///
    /// - Parameter description: Its streams are taken, with one component where `a=rtcp-mux` folds two into one; credentials and candidates
    ///   are the client's own whatever it says. Nil takes the streams that were added, or else those of the peer's offer, or else one.
    /// - Throws: ``ICEError/Code/gatheringHasBegun``, ``ICEError/Code/closed``, or ``ICEError/Code/descriptionMismatch`` if other streams
    ///   were added before.
    public func setLocalDescription(_ description: SessionDescription? = nil) throws(ICEError) {
        try requireOpen()
        guard gatheringState == .new else {
            throw ICEError(.gatheringHasBegun, "the streams are fixed already; restart() begins a new generation")
        }
        if let description { try fixStreams(to: description.media) }
        if remoteParameters == nil { input { agent, _ in agent.settleRole(asInitiator: true) } }
        gatherCandidates()
    }

    /// Takes the peer's description as SDP text: its credentials, and the candidates in it.
    ///
    /// - Throws: ``ICESyntaxError`` for what is no description, and ``ICEError`` where it does not fit: `descriptionMismatch`,
    ///   `remoteParametersAlreadySet`, `closed`. Nothing has changed then. Single bad candidate lines are ignored and counted.
    public func setRemoteDescription(_ text: String) throws {
        try setRemoteDescription(try SessionDescription(text))
    }

    /// Takes the peer's description.
    public func setRemoteDescription(_ description: SessionDescription) throws {
        try requireOpen()
        let (parameters, own) = try parameters(of: description)
        if agent.streamComponentCounts.isEmpty { try fixStreams(to: description.media) }
        guard description.media.count <= agent.streamComponentCounts.count else {
            throw ICEError(
                .descriptionMismatch,
                "the peer describes \(description.media.count) streams; add as many with addStream(components:)")
        }
        let isOffer = gatheringState == .new && remoteParameters == nil
        try setRemoteParameters(parameters, streams: own)
        if isOffer { input { agent, _ in agent.settleRole(asInitiator: false) } }
        for index in description.media.indices { takeRefusals(of: description, media: index) }
        counted.ignoredCandidates += UInt64(description.ignoredLines.count)
        for candidate in description.media.flatMap(\.candidates) { addRemoteCandidate(candidate) }
        // RFC 8838 §3: whoever does not trickle has told all candidates in the description.
        let whole = description.media.indices.filter { index in
            !parameters.supportsTrickle || description.media[index].isDisabled
                || description.hasAllCandidates(ofMedia: index)
        }
        let isAll = whole.count == description.media.count && own.isEmpty
        for stream in isAll ? [nil] : whole.map({ StreamID($0) }) {
            let fragment = (stream.flatMap { own[$0] } ?? parameters).usernameFragment
            input { $0.remoteCandidatesEnded(of: stream, usernameFragment: fragment, now: $1) }
        }
    }

    /// A stream that the peer disabled, or has no ICE for, ends (RFC 8839 §4.2.1.6, §4.2.5), and so does the second component where both
    /// sides have `a=rtcp-mux` (RFC 5761 §5.1.1).
    private func takeRefusals(of description: SessionDescription, media index: Int) {
        let (media, stream) = (description.media[index], StreamID(index))
        if media.isDisabled || media.iceMismatch {
            removeStream(stream)
        } else if media.usesRTCPMultiplexing, describedStreams.indices.contains(index),
            describedStreams[index].usesRTCPMultiplexing, agent.streamComponentCounts[index] > 1
        {
            removeComponent(StreamComponent(stream: stream, component: .rtcp))
        }
    }

    /// The credentials of a description's first stream, and those of streams that have others.
    private func parameters(of description: SessionDescription) throws -> (
        ICEParameters, own: [StreamID: ICEParameters]
    ) {
        var first: ICEParameters?
        var own: [StreamID: ICEParameters] = [:]
        for index in description.media.indices {
            guard let parameters = try description.parameters(for: index) else { continue }
            if let first, first.credentials != parameters.credentials { own[StreamID(index)] = parameters }
            first = first ?? parameters
        }
        guard let first else {
            throw ICEError(.descriptionMismatch, "no stream has a=ice-ufrag and a=ice-pwd: the peer does not use ICE")
        }
        return (first, own)
    }

    private func fixStreams(to media: [MediaDescription]) throws(ICEError) {
        let counts = media.map { $0.isDisabled ? 0 : max(1, $0.componentCount) }
        if agent.streamComponentCounts.isEmpty {
            for count in counts {
                let stream = try addStream(components: count)
                if count == 0 { removeStream(stream) }
            }
        }
        // With two components and an optional `a=rtcp-mux`, the peer's answer decides whether the second one stays.
        let existing = agent.streamComponentCounts
        let fits = zip(existing, zip(media, counts)).allSatisfy { known, described in
            known == described.1 || (known == 2 && described.0.mayUseTwoComponents)
        }
        guard existing.count == counts.count, fits else {
            throw ICEError(
                .descriptionMismatch,
                "the description has components \(counts), the client \(agent.streamComponentCounts)")
        }
        describedStreams = media
    }

    /// The streams as they were described, or else plain ones.
    var streams: [MediaDescription] {
        let counts = agent.streamComponentCounts
        var media = SessionDescription(parameters: localParameters, componentCounts: counts.isEmpty ? [1] : counts)
            .media
        for (index, described) in describedStreams.enumerated() where media.indices.contains(index) {
            media[index] = described.template
        }
        for index in counts.indices where counts[index] == 0 {
            media[index].port = 0
            media[index] = media[index].template
        }
        return media
    }
}

extension MediaDescription {
    /// Whether the stream needs its second component if the peer does not multiplex (RFC 8858 has `a=rtcp-mux-only` for "never").
    fileprivate var mayUseTwoComponents: Bool { usesRTCPMultiplexing && !otherLines.contains("a=rtcp-mux-only") }

    /// What of a stream's description is the application's: everything but the addresses and credentials of whoever wrote it.
    fileprivate var template: MediaDescription {
        var template = MediaDescription(
            kind: kind, port: isDisabled ? 0 : Self.discardPort, proto: proto, formats: formats, mid: mid)
        template.usesRTCPMultiplexing = usesRTCPMultiplexing
        template.rtcp = rtcp.map { _ in RTCP(port: Self.discardPort) }
        template.otherLines = otherLines
        return template
    }
}

public import ICECore
import NetBase

// MARK: - Candidates as WebRTC signals them

extension ICEClient {
    /// What ``onCandidate`` told, as WebRTC's JSON has it: with the stream's `mid` and position, and the generation.
    ///
    /// - Parameter candidate: A local candidate; nil gives the end of candidates of all streams.
    public func signalled(_ candidate: Candidate?) -> SignalledCandidate {
        let fragment = localParameters.usernameFragment
        guard let candidate else { return .endOfCandidates(usernameFragment: fragment) }
        let index = candidate.stream.index
        let media = streams
        return SignalledCandidate(
            candidate: candidate.description,
            sdpMid: media.indices.contains(index) ? media[index].mid ?? String(index) : nil,
            sdpMLineIndex: UInt16(clamping: index), usernameFragment: fragment)
    }

    /// Adds a candidate of the peer, or the end of its candidates, as `addIceCandidate()` of webrtc-pc does.
    ///
    /// The stream is found by `sdpMid`, which is a name in the description, and else by `sdpMLineIndex`. An end of candidates that names
    /// neither covers all streams. What comes before the peer's parameters is kept until they are there. Well-formed lines of unknown
    /// types, transports or kinds of address are ignored and counted (RFC 8839 §5.1).
    ///
    /// - Throws: ``ICEError`` with code `candidateWithoutStream`, `unknownStream`, `unknownGeneration`, `malformedCandidate` or `closed`.
    ///   Nothing has changed then, and the session goes on.
    public func addRemoteCandidate(_ signalled: SignalledCandidate) throws(ICEError) {
        try requireOpen()
        let stream = try stream(of: signalled)
        if signalled.isEndOfCandidates {
            let fragment = signalled.usernameFragment
            try requireGeneration(fragment, of: stream)
            input { $0.remoteCandidatesEnded(of: stream, usernameFragment: fragment, now: $1) }
            return
        }
        guard let stream else {
            throw ICEError(.candidateWithoutStream, "a candidate needs sdpMid or sdpMLineIndex, which are both missing")
        }
        do {
            var candidate = try Candidate(signalled.candidate)
            try requireGeneration(signalled.usernameFragment ?? candidate.usernameFragment, of: stream)
            candidate.stream = stream
            candidate.name(generation: signalled.usernameFragment)
            addRemoteCandidate(candidate)
        } catch let error as ICEError {
            throw error
        } catch let error as ICESyntaxError where error.code == .unsupportedCandidate {
            counted.ignoredCandidates += 1
        } catch {
            throw ICEError(.malformedCandidate, "\(error)")
        }
    }

    /// The stream that is meant; nil where none is named.
    private func stream(of signalled: SignalledCandidate) throws(ICEError) -> StreamID? {
        if let mid = signalled.sdpMid {
            if let index = streams.firstIndex(where: { $0.mid == mid }) { return StreamID(index) }
            // Where no descriptions are exchanged, names are the peer's own affair, and its positions count.
            guard describedStreams.isEmpty, signalled.sdpMLineIndex != nil || !areStreamsKnown else {
                throw ICEError(.unknownStream, "no stream has the mid \(mid.prefix(64))")
            }
        }
        let index = signalled.sdpMLineIndex.map { Int($0) } ?? signalled.sdpMid.flatMap(StreamID.index(named:))
        guard let index else {
            guard let mid = signalled.sdpMid else { return nil }
            throw ICEError(.unknownStream, "no stream has the mid \(mid.prefix(64))")
        }
        guard !areStreamsKnown || index < agent.streamComponentCounts.count else {
            throw ICEError(
                .unknownStream, "there is no stream \(index), but \(agent.streamComponentCounts.count) from 0 on")
        }
        return StreamID(index)
    }

    /// Before the streams are fixed a candidate may be for one that is still to be added.
    private var areStreamsKnown: Bool { !agent.streamComponentCounts.isEmpty }

    private func requireGeneration(_ usernameFragment: String?, of stream: StreamID?) throws(ICEError) {
        guard let usernameFragment, let remote = agent.remoteParameters(of: stream),
            usernameFragment != remote.usernameFragment
        else { return }
        throw ICEError(
            .unknownGeneration,
            "the peer's username fragment is \(remote.usernameFragment), the candidate is of \(usernameFragment.prefix(64))"
        )
    }
}

import ICE

/// What an agent tells its peer over the signalling channel.
enum Signal: Sendable {
    case parameters(ICEParameters)
    /// A candidate, or the end of candidates.
    case candidate(SignalledCandidate)
    /// All pings are answered.
    case goodbye
}

extension Signal: CustomStringConvertible {
    /// What it says, without the password.
    var description: String {
        switch self {
        case .parameters(let parameters): "the parameters of \(parameters.usernameFragment)"
        case .candidate(let candidate): candidate.isEndOfCandidates ? "no more candidates" : candidate.candidate
        case .goodbye: "goodbye"
        }
    }
}

import ICE

/// The offer or the answer: the parameters of one generation of one side.
struct Description: Codable {
    var parameters: ICEParameters
    /// The username fragment of the offer that an answer is to.
    var answers: String?
    /// The joiner's wish for a new generation, which only the creator begins, so that there never are two at once.
    var wantsRestart = false
}

/// What ends a call for the other side: the username fragments of the present generation, which are of no other call.
struct LastWord: Codable {
    let generations: [String]
}

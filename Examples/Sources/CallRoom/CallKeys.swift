/// What the documents of a call are called in a store that has many.
struct CallKeys {
    /// The sign at the door, which is found by the room's name.
    let sign: String
    /// All else, which is found by the secret only.
    let call: String

    init(room: String, secret: RoomSecret) {
        sign = "rooms/\(room)"
        call = "calls/\(secret.callID)"
    }

    func description(of side: Side) -> String { "\(call)/\(side)" }
    /// Not kept anywhere, but sealed for a place like all else.
    var lastWord: String { "\(call)/lastWord" }
    func candidates(of side: Side) -> String { "\(call)/\(side)Candidates" }

    var documents: [String] { Side.allCases.flatMap { [description(of: $0), candidates(of: $0)] } }
    var all: [String] { [sign] + documents }
}

/// Why there is no call, in words for whoever runs the program.
struct RoomError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

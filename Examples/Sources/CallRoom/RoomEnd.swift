/// How a call ended.
enum RoomEnd {
    case left
    case endedByOther
    case failed(RoomError)
}

import ICE
import Measuring

/// One end of a call that carries as much data as it can: `bench-data send|receive --mode M --size N --seconds S --window N …`.
@main
struct DataProgram {
    static func main() throws {
        let options = Options()
        let loop = try EventLoop()
        let isSender = options.command == "send"
        guard isSender || options.command == "receive" else { Options.refuse("bench-data send|receive …") }
        let end = try CallEnd(loop: loop, isSender: isSender, options: options)
        guard end.connect() else { Options.refuse("the call was not connected in time") }
        if isSender {
            Sender(client: end.client, loop: loop, options: options).run()
        } else {
            Receiver(client: end.client, loop: loop, options: options).run()
        }
    }
}

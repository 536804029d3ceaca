import ICE

/// Two ICE clients in one process: they gather, exchange candidates, check, nominate, and ping each other.
@main
enum PingPong {
    static func main() throws {
        let loop = try EventLoop()
        var configuration = ICEConfiguration(role: .controlling)
        configuration.includesLoopback = true
        let caller = ICEClient(loop: loop, configuration: configuration)
        configuration.role = .controlled
        let callee = ICEClient(loop: loop, configuration: configuration)

        let call = Call(loop: loop, caller: caller, callee: callee)
        try call.start()
        guard loop.run(until: { call.isOver }, atMost: .seconds(30)) else {
            throw CallFailed(reason: "no connection within 30 s")
        }
        caller.close()
        callee.close()
        loop.close()
        if let reason = call.failure { throw CallFailed(reason: reason) }
    }
}

struct CallFailed: Error, CustomStringConvertible {
    let reason: String
    var description: String { "the call failed: \(reason)" }
}

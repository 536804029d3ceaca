import ICE

/// A call within the process: signalling is a function call.
struct Call {
    let caller: Agent
    let callee: Agent

    init(loop: EventLoop) {
        let caller = Agent(loop: loop, role: .controlling)
        let callee = Agent(loop: loop, role: .controlled)
        (self.caller, self.callee) = (caller, callee)
        for (agent, peer) in [(caller, callee), (callee, caller)] {
            agent.onSignal = { [unowned peer] in peer.hear($0) }
            agent.onStateChange = { [unowned caller, unowned callee] in
                if caller.state == .completed, callee.state == .completed { caller.beginPings() }
            }
        }
    }

    var isOver: Bool { callee.isOver || failure != nil }
    var failure: String? { caller.failure ?? callee.failure }

    func start() {
        caller.start()
        callee.start()
    }

    func close() {
        caller.close()
        callee.close()
    }
}

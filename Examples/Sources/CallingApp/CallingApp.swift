import Calling
import ICE

/// The phones of `Calling` on a real loop: one calls the other over this machine's loopback, they greet each other, and one hangs up.
@main
enum CallingApp {
    static func main() throws {
        let loop = try EventLoop()
        let exchange = Exchange(on: loop)
        var timers: [Timer] = []
        // The seam: clients and timers of the loop.
        let line = PhoneLine(
            makeClient: { ICEClient(loop: loop, configuration: $0) },
            schedule: { span, work in
                let timer = Timer(on: loop, onFire: work)
                timer.start(after: span)
                timers.append(timer)
            })
        let alice = Phone("alice", on: line, signalling: exchange) { $0.includesLoopback = true }
        let bob = Phone("bob", on: line, signalling: exchange) { $0.includesLoopback = true }
        exchange.register(alice)
        exchange.register(bob)

        bob.onRing = { session in
            print("bob's phone rings:", session.partner)
            session.onHear = { text in
                print("bob hears:", text)
                session.say("hello \(session.partner)")
            }
            session.answer()
        }
        let call = alice.dial("bob")
        call.onStateChange = { [unowned call] state in
            print("alice's call", state.inWords)
            if state == .talking { call.say("hello bob") }
        }
        call.onHear = { [unowned call] text in
            print("alice hears:", text)
            call.hangUp()
        }
        let isOver = loop.run(
            until: { call.state.isOver && bob.session?.state.isOver == true }, atMost: .seconds(30))
        for timer in timers { timer.close() }
        loop.close()
        guard isOver, call.state == .ended(.hungUp) else { throw CallFailed(state: call.state) }
    }
}

/// The service that carries messages, here between phones of one process; each on a turn of its own, as over a network.
final class Exchange: Signalling {
    private let loop: EventLoop
    private var phones: [String: Phone] = [:]

    init(on loop: EventLoop) { self.loop = loop }

    func register(_ phone: Phone) { phones[phone.number] = phone }

    func send(_ message: CallMessage, from sender: String, to receiver: String) {
        loop.enqueue { [weak self] in self?.phones[receiver]?.receive(message, from: sender) }
    }
}

struct CallFailed: Error, CustomStringConvertible {
    let state: CallSession.State
    var description: String { "the call did not come to its end: it \(state.inWords)" }
}

extension CallSession.State {
    fileprivate var inWords: String {
        switch self {
        case .ringing: "is ringing"
        case .connecting: "is connecting"
        case .talking: "is talking"
        case .interrupted: "is interrupted"
        case .ended(.hungUp): "is over: she has hung up"
        case .ended(.partnerHungUp): "is over: the other one has hung up"
        case .ended(.notAnswered): "is over: nobody has answered"
        case .ended(.noPath(let why)): "is over: there is no path: \(why)"
        }
    }
}

import DNS
import MDNS
import NetBase

/// Drives a core in virtual time and keeps what it does.
struct Driver {
    var core = MDNSCore()
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var sent: [(time: Instant, message: DNSMessage, destination: TransportAddress?)] = []
    private(set) var resolved: [(MulticastName, IPAddress)] = []
    private(set) var failed: [(MulticastName, MDNSFailure)] = []
    private let start = Instant(nanoseconds: 1_000_000_000)

    mutating func perform(_ body: (inout MDNSCore, Instant) -> Void) {
        body(&core, now)
        while let effect = core.nextEffect() {
            switch effect {
            case .multicast(let bytes): note(bytes, nil)
            case .unicast(let bytes, let destination): note(bytes, destination)
            case .resolved(let name, let address): resolved.append((name, address))
            case .failed(let name, let failure): failed.append((name, failure))
            }
        }
    }

    private mutating func note(_ bytes: [UInt8], _ destination: TransportAddress?) {
        guard let message = try? DNSMessage(parsing: bytes.span) else {
            preconditionFailure("it sent what can't be read")
        }
        sent.append((now, message, destination))
    }

    mutating func run(for span: Duration) {
        let end = now + span
        while let deadline = core.deadline, deadline <= end {
            now = max(now, deadline)
            perform { $0.advance(to: $1) }
        }
        now = end
    }

    mutating func resolve(_ name: MulticastName, for client: Int = 0) {
        perform { $0.resolve(name, for: MDNSCore.ClientID(client), at: $1) }
    }

    mutating func receive(_ message: DNSMessage, from source: TransportAddress, isOnLink: Bool = true) {
        guard let bytes = try? message.bytes() else { preconditionFailure("the test's message can't be written") }
        perform { $0.receive(bytes.span, from: source, isOnLink: isOnLink, at: $1) }
    }

    /// Milliseconds since the start at which messages were sent.
    var times: [Int] { sent.map { Int(($0.time - start).milliseconds) } }

    mutating func forget() { sent = [] }
}

extension DNSMessage {
    static func answer(
        _ name: MulticastName, _ addresses: IPAddress..., isUnique: Bool = true, timeToLive: UInt32 = 120
    ) -> DNSMessage {
        var message = DNSMessage.response
        message.answers = addresses.map {
            DNSRecord(name.description, address: $0, isUnique: isUnique, timeToLive: timeToLive)
        }
        return message
    }

    static func question(_ name: MulticastName, wantsUnicast: Bool = false) -> DNSMessage {
        var message = DNSMessage()
        message.questions = [DNSQuestion(name.description, .a, wantsUnicast: wantsUnicast)]
        return message
    }
}

extension MulticastName {
    static func random() -> MulticastName {
        var generator = SystemRandomNumberGenerator()
        return MulticastName(using: &generator)
    }
}

let peer = TransportAddress(IPAddress(v4: 0xc0a8_0007), port: 5353)
let stranger = TransportAddress(IPAddress(v4: 0xc0a8_0009), port: 40_000)

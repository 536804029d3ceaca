import NetBase
import STUN

func address(_ text: String) -> TransportAddress {
    guard let address = TransportAddress(text) else { preconditionFailure("\(text) is no address") }
    return address
}

/// A discovery whose world is a closure: what is sent goes to it, what it returns arrives 20 ms later.
struct ScriptedDiscovery {
    struct Request {
        let message: STUNMessage
        let socket: NATDiscovery.Socket
        let destination: TransportAddress

        var change: STUNMessage.ChangeRequest? { message[STUNMessage.ChangeRequest.self] }
    }

    struct Arrival {
        let message: STUNMessage
        let source: TransportAddress
        let socket: NATDiscovery.Socket
    }

    static let server = address("192.0.2.10:3478")
    static let other = address("192.0.2.11:3479")
    static let local = address("10.0.0.2:5000")
    static let mapped = address("203.0.113.1:5000")

    private(set) var requests: [Request] = []
    private(set) var outcome: NATDiscovery.Outcome?
    private(set) var end = milliseconds(0)

    var report: NATReport? {
        if case .report(let report) = outcome { report } else { nil }
    }

    /// Everything that something was sent to.
    var destinations: Set<TransportAddress> { Set(requests.map(\.destination)) }

    init(
        server: TransportAddress = Self.server, local: TransportAddress = Self.local,
        writer: NATRequestWriter = NATRequestWriter(), options: NATDiscoveryOptions = NATDiscoveryOptions(),
        world: (Request) throws -> [Arrival]
    ) rethrows {
        var discovery = NATDiscovery(
            server: server, local: local, options: options, writer: writer, at: milliseconds(0))
        var arrivals: [(at: Instant, Arrival)] = []
        var now = milliseconds(0)
        while outcome == nil {
            while let effect = discovery.nextEffect() {
                switch effect {
                case .finished(let outcome): self.outcome = outcome
                case .send(let bytes, let socket, let destination):
                    guard let message = try? STUNMessage(bytes) else { continue }
                    let request = Request(message: message, socket: socket, destination: destination)
                    requests.append(request)
                    arrivals += try world(request).map { (now + .milliseconds(20), $0) }
                }
            }
            guard let next = [arrivals.first?.at, discovery.deadline].compactMap({ $0 }).min() else { break }
            now = next
            if let arrival = arrivals.first, arrival.at <= now {
                arrivals.removeFirst()
                let (message, source) = (arrival.1.message, arrival.1.source)
                discovery.receive(message.bytes.span, from: source, on: arrival.1.socket, at: now)
            }
            discovery.advance(to: now)
        }
        end = now
    }

    /// What a well-behaved server answers: through a full cone, which lets everything in.
    static func answer(
        _ request: Request, other: TransportAddress? = Self.other, mapped: TransportAddress = Self.mapped,
        from source: TransportAddress? = nil, signedBy key: IntegrityKey? = nil
    ) -> [Arrival] {
        var response = STUNMessage.bindingResponse(to: request.message, from: mapped)
        if let other { response.append(STUNMessage.OtherAddress(other)) }
        if let key { response.appendIntegrity(key, .sha1) }
        let origin = TransportAddress(
            request.change?.changesIP == true ? Self.other.ip : request.destination.ip,
            port: request.change?.changesPort == true ? Self.other.port : request.destination.port)
        return [Arrival(message: response, source: source ?? origin, socket: request.socket)]
    }

    static func refusal(_ request: Request, _ error: STUNMessage.ErrorCode) -> [Arrival] {
        let response = STUNMessage.errorResponse(to: request.message, error)
        return [Arrival(message: response, source: request.destination, socket: request.socket)]
    }
}

import ICE
import NetBase
import STUN
import Testing

let serverAddress = TransportAddress(IPAddress(v4: 0xc000_0201), port: 3478)
let publicAddress = TransportAddress(IPAddress(v4: 0xcb00_7105), port: 40_000)

/// A client on a fake platform, with everything it said and when.
final class STUNClientFixture {
    enum Event: Equatable {
        case response(TransportAddress, Duration?)
        case responseError(Int, String)
        case timeout(STUNTransactionID)
        case error(STUNClientError.Code, STUNTransactionID?)
        case unknown([UInt8])
    }

    let platform = FakePlatform()
    let client: STUNClient
    private(set) var events: [Event] = []
    private(set) var eventTimes: [Int] = []
    private(set) var sentTimes: [Int] = []
    private(set) var sent: [STUNMessage] = []
    /// What is called after each event.
    var onEvent: ((STUNClient) -> Void)?

    init(
        host: String = "192.0.2.1", transport: TransportProtocol = .udp,
        _ configure: (inout STUNClientConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = STUNClientConfiguration(host: host, transport: transport)
        configure(&configuration)
        client = try STUNClient(platform: platform, configuration: configuration)
        client.onResponse = { [unowned self] in add(.response($0.reflexiveAddress, $0.roundTripTime)) }
        client.onResponseError = { [unowned self] in add(.responseError($0, $1)) }
        client.onTimeout = { [unowned self] in add(.timeout($0)) }
        client.onError = { [unowned self] in add(.error($0.code, $0.transactionID)) }
        client.onUnknownMessage = { [unowned self] in add(.unknown($0)) }
        platform.onSend = { [unowned self] bytes, _, _ in note(bytes) }
        platform.onWrite = { [unowned self] bytes, _ in note(bytes) }
    }

    private func add(_ event: Event) {
        #expect(platform.isTurning, "an event inside the call that caused it")
        events.append(event)
        eventTimes.append(platform.elapsed)
        onEvent?(client)
    }

    private func note(_ bytes: [UInt8]) {
        guard let message = try? STUNMessage(parsing: bytes.span) else {
            Issue.record("no STUN was sent: \(bytes)")
            return
        }
        sent.append(message)
        sentTimes.append(platform.elapsed)
    }

    /// Answers each datagram after 20 ms with what the closure makes of it.
    func answer(from source: TransportAddress = serverAddress, _ make: @escaping (STUNMessage) -> STUNMessage?) {
        platform.onSend = { [unowned self] bytes, _, socket in
            note(bytes)
            guard let response = sent.last.flatMap(make) else { return }
            socket.deliver(response.bytes, from: source, after: .milliseconds(20))
        }
    }

    /// Answers as a STUN server does.
    func serve() {
        let server = STUNServerCore()
        answer { server.respond(to: $0, from: publicAddress) }
    }
}

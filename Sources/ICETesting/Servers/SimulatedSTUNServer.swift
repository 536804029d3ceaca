public import NetBase
public import STUN

/// A STUN server on a simulated host: it tells clients over UDP and TCP where their Binding requests came from (RFC 8489).
///
/// ```swift
/// let host = network.makeHost("stun", addresses: ["192.0.2.10"])
/// let server = try SimulatedSTUNServer(on: host)
/// network.names["stun.example.org"] = ["192.0.2.10"]
/// server.dropNext = 2  // the client has to send three times
/// ```
///
/// It lives as long as its host.
public final class SimulatedSTUNServer {
    /// Whether it listens and never answers.
    public var isSilent = false

    /// How many of the next requests it loses.
    public var dropNext = 0

    /// An error that it answers all requests with.
    public var error: STUNMessage.ErrorCode?

    /// How long it thinks before each answer.
    public var delay: Duration = .zero

    /// Answers in the server's place; nil for a request that gets no answer.
    public var answer: ((STUNMessage, TransportAddress) -> STUNMessage?)?

    /// Where the requests that arrived came from, in order, those it did not answer among them.
    public private(set) var sources: [TransportAddress] = []

    /// The addresses that it answers on.
    public let addresses: [TransportAddress]

    private let core = STUNServerCore(knownAttributes: .all)
    private weak var host: SimulatedHost?

    /// Starts a server on all addresses that a host has now; throws `.addressInUse`, for UDP or TCP.
    @discardableResult
    public init(on host: SimulatedHost, port: UInt16 = 3478) throws(NetworkError) {
        self.host = host
        addresses = host.interfaces.flatMap(\.addresses).map { TransportAddress($0.ip, port: port) }
        for address in addresses {
            let socket = try host.bind(address)
            socket.onDatagram = { [weak self, weak socket] bytes, source in
                self?.receive(bytes, from: source) { response in
                    // A client that can no longer be reached does not hear the answer, as in life.
                    try? socket?.send(response.bytes.span, to: source)
                }
            }
            try host.listen(on: address) { [weak self] stream in self?.serve(stream) }
        }
        host.keep(self)
    }

    private func serve(_ stream: SimulatedStream) {
        var decoder = STUNStreamDecoder()
        stream.onBytes = { [weak self, weak stream] bytes in
            var offset = 0
            do throws(STUNError) {
                while let message = try decoder.next(in: bytes, from: &offset), let stream {
                    self?.receive(message, from: stream.remoteAddress) { [weak stream] response in
                        try? stream?.write(response.bytes)
                    }
                }
            } catch {
                stream?.reset()
            }
        }
    }

    private func receive(_ bytes: Span<UInt8>, from source: TransportAddress, reply: @escaping (STUNMessage) -> Void) {
        guard let message = try? STUNMessage(parsing: bytes) else { return }
        receive(message, from: source, reply: reply)
    }

    private func receive(
        _ request: STUNMessage, from source: TransportAddress, reply: @escaping (STUNMessage) -> Void
    ) {
        sources.append(source)
        if dropNext > 0 {
            dropNext -= 1
            return
        }
        guard !isSilent, let host, let response = response(to: request, from: source) else { return }
        guard delay > .zero else { return reply(response) }
        host.fabric.scheduler.schedule(at: host.now + delay) { reply(response) }
    }

    private func response(to request: STUNMessage, from source: TransportAddress) -> STUNMessage? {
        if let answer { return answer(request, source) }
        guard let error else { return core.respond(to: request, from: source) }
        guard request.messageClass == .request else { return nil }
        var response = STUNMessage.errorResponse(to: request, error)
        if request.fingerprint == .valid { response.appendFingerprint() }
        return response
    }
}

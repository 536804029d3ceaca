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
/// With an alternate port it also helps to find out how NATs behave (RFC 5780):
///
/// ```swift
/// let host = network.makeHost("stun", addresses: ["192.0.2.10", "192.0.2.11"])
/// try SimulatedSTUNServer(on: host, alternatePort: 3479)
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

    /// Answers in the server's place, from the address that was asked; nil for a request that gets no answer.
    public var answer: ((STUNMessage, TransportAddress) -> STUNMessage?)?

    /// Where the requests that arrived came from, in order, those it did not answer among them.
    public private(set) var sources: [TransportAddress] = []

    /// The addresses that it answers on.
    public let addresses: [TransportAddress]

    // "If a server cannot allocate the same ports on two different IP address, then it … MUST respond with a 420 (Unknown Attribute) to
    // any Request with a CHANGE-REQUEST attribute" (RFC 5780 §6).
    private let core = STUNServerCore(knownAttributes: .ice.union(.turn))
    private let discoveryCore = STUNServerCore(knownAttributes: .all)
    private let alternates: [AlternateAddresses]
    private var sockets: [TransportAddress: SimulatedSocket] = [:]
    private weak var host: SimulatedHost?

    /// Starts a server on all addresses that a host has now; throws `.addressInUse`, for UDP or TCP.
    ///
    /// With an alternate port it listens there too, and does what RFC 5780 §6 says of CHANGE-REQUEST, RESPONSE-PORT, RESPONSE-ORIGIN,
    /// OTHER-ADDRESS and PADDING over UDP, in each family of which the host has two addresses: the first two of it.
    @discardableResult
    public init(
        on host: SimulatedHost, port: UInt16 = 3478, alternatePort: UInt16? = nil
    ) throws(NetworkError) {
        self.host = host
        let ips = host.interfaces.flatMap(\.addresses).map(\.ip)
        addresses = ips.map { TransportAddress($0, port: port) }
        alternates = IPAddress.Family.allCases.compactMap { family in
            let ips = ips.filter { $0.family == family }
            guard let alternatePort, ips.count > 1 else { return nil }
            return AlternateAddresses(ips[0], ips[1], ports: (port, alternatePort))
        }
        for address in addresses + ips.compactMap({ ip in alternatePort.map { TransportAddress(ip, port: $0) } }) {
            let socket = try host.bind(address)
            sockets[address] = socket
            socket.onDatagram = { [weak self] bytes, source in self?.receive(bytes, from: source, at: address) }
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
                    guard let self else { return }
                    receive(message, from: stream.remoteAddress, core: core) { [weak stream] response in
                        try? stream?.write(response.bytes)
                    }
                }
            } catch {
                stream?.reset()
            }
        }
    }

    private func receive(_ bytes: Span<UInt8>, from source: TransportAddress, at address: TransportAddress) {
        guard let request = try? STUNMessage(parsing: bytes) else { return }
        let alternates = alternates.first { $0.contains(address) }
        receive(request, from: source, core: alternates == nil ? core : discoveryCore) { [weak self] response in
            guard let self else { return }
            var answer = AlternateAddresses.Answer(response: response, origin: address, destination: source)
            if self.answer == nil, let alternates {
                answer = alternates.answer(response, to: request, from: source, at: address)
            }
            // A client that can no longer be reached does not hear the answer, as in life.
            try? sockets[answer.origin]?.send(answer.response.bytes.span, to: answer.destination)
        }
    }

    private func receive(
        _ request: STUNMessage, from source: TransportAddress, core: STUNServerCore,
        reply: @escaping (STUNMessage) -> Void
    ) {
        sources.append(source)
        if dropNext > 0 {
            dropNext -= 1
            return
        }
        guard !isSilent, let host, let response = response(to: request, from: source, core) else { return }
        guard delay > .zero else { return reply(response) }
        host.fabric.scheduler.schedule(at: host.now + delay) { reply(response) }
    }

    private func response(
        to request: STUNMessage, from source: TransportAddress, _ core: STUNServerCore
    ) -> STUNMessage? {
        if let answer { return answer(request, source) }
        guard let error else { return core.respond(to: request, from: source) }
        guard request.messageClass == .request else { return nil }
        var response = STUNMessage.errorResponse(to: request, error)
        if request.fingerprint == .valid { response.appendFingerprint() }
        return response
    }
}

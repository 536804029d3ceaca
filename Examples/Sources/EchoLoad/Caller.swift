import EchoTicket
import ICE

/// One caller: it knows where the server is, and by its ticket what to say to it.
final class Caller {
    /// An echo came back, after that long.
    var onEcho: ((Duration) -> Void)?
    /// The server knows who it is, or it has given up. Called once.
    var onAnswer: (() -> Void)?
    /// The server has answered, and chosen is the way to it. Called once, however often the way is lost and found again.
    var onConnect: (() -> Void)?
    private(set) var sent = 0
    private(set) var error: String?

    private let client: ICEClient
    private var datagram: [UInt8]

    /// A letter, so that no datagram looks like STUN, and the time when it was sent.
    static let headerSize = 9
    /// The most that are handed over at once.
    private static let batchSize = 64
    private static let epoch = ContinuousClock.now

    init(
        on loop: EventLoop, server: TransportAddress, over transports: CandidateTransports, from source: IPAddress?,
        ticket: EchoTicket, size: Int
    ) throws {
        var configuration = ICEConfiguration(role: .controlling)
        configuration.localCredentials = ticket.caller
        configuration.localAddresses = source.map { [$0] }
        configuration.includesLoopback = server.ip.isLoopback
        configuration.transports = transports
        configuration.multicastDNS = .off
        configuration.pacing = .server
        configuration.backupPairs = 0
        client = ICEClient(loop: loop, configuration: configuration)
        datagram = [UInt8](repeating: UInt8(ascii: "e"), count: size)
        client.onStateChange = { [unowned self] state in
            if let failure = client.failure { error = failure.description }
            if [.connected, .completed, .failed].contains(state) {
                onAnswer?()
                onAnswer = nil
            }
            if state == .completed {
                onConnect?()
                onConnect = nil
            }
        }
        client.onCandidateError = { [unowned self] fault in error = "\(fault)" }
        client.onPairFailed = { [unowned self] _, failure in error = error ?? failure.description }
        client.onData = { [unowned self] bytes, _ in hear(bytes) }
        // A server that is lite is called in the same way: the caller decides in any case.
        try client.setRemoteParameters(ICEParameters(credentials: ticket.server, options: ["ice2"]))
        let way = transports == .tcp ? ("tcp", " tcptype passive") : ("udp", "")
        try client.addRemoteCandidate(
            "candidate:1 1 \(way.0) 2130706431 \(server.ip) \(server.port) typ host\(way.1)")
        client.addRemoteCandidate(nil)
        client.gatherCandidates()
        client.processCandidates()
    }

    /// Sends what is due of the datagrams: some at a time, and what there is no room for later.
    func send(upTo due: Int) {
        guard due > sent else { return }
        let now = UInt64(clamping: Self.epoch.duration(to: .now).nanoseconds)
        for index in 0..<8 { datagram[1 + index] = UInt8(truncatingIfNeeded: now >> (56 - 8 * index)) }
        let batch = Array(repeating: datagram, count: min(due - sent, Self.batchSize))
        sent += (try? client.send(contentsOf: batch)) ?? 0
    }

    private func hear(_ bytes: Span<UInt8>) {
        guard bytes.count == datagram.count, bytes[0] == datagram[0] else { return }
        let sentAt = (1..<Self.headerSize).reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        onEcho?(Self.epoch.duration(to: .now) - .nanoseconds(Int64(clamping: sentAt)))
    }

    func close() { client.close() }
}

import NetBase
import STUN

// A server's addresses race, so that one family's broken path holds nothing up (RFC 8656 §3.9, RFC 8305).
//
// TCP connections and TLS and DTLS handshakes run side by side until the first is open. Over UDP, where nothing opens, the same request goes
// to each address until the first answers it.
extension ServerLink {
    /// An address that runs beside the first one.
    struct Rival {
        let channel: any ServerChannel
        let server: TransportAddress
    }

    /// RFC 8305 §5: "a fixed delay of 250 milliseconds" between two attempts.
    static let attemptDelay = Duration.milliseconds(250)

    /// Whether more than one address was asked or will be, and none has answered.
    var isRacing: Bool { attemptLimit != nil || !rivals.isEmpty }

    /// The order of RFC 8305 §4: the families take turns, the preferred or else the resolver's first one begins.
    func alternating(_ found: [IPAddress]) -> [IPAddress] {
        guard let first = endpoint.preferredFamily ?? found.first?.family else { return [] }
        var seen: Set<IPAddress> = []
        let unique = found.filter { seen.insert($0).inserted }
        let (own, other) = (unique.filter { $0.family == first }, unique.filter { $0.family != first })
        return (0..<max(own.count, other.count)).flatMap { own.dropFirst($0).prefix(1) + other.dropFirst($0).prefix(1) }
    }

    func expectRival(after delay: Duration) {
        attemptLimit = addresses.isEmpty ? nil : platform.now + delay
    }

    /// Lets the next address join in; one that allows no way is passed over.
    func admitRival() {
        guard let server = addresses.popFirst() else { return }
        expectRival(after: Self.attemptDelay)
        guard let channel = try? makeChannel(to: server) else { return admitRival() }
        rivals.append(Rival(channel: channel, server: server))
        wire(channel, to: server)
        onDeadlineChange?()
        channel.open()
        if let unanswered { try? channel.send(unanswered) }
    }

    func sendToRivals(_ bytes: [UInt8]) {
        unanswered = bytes
        // Where it does not get through, another may answer.
        for rival in rivals { try? rival.channel.send(bytes) }
    }

    /// The first answer came: its sender stays. What others may have granted without asking for credentials is given back.
    func win(_ server: TransportAddress, _ bytes: Span<UInt8>) {
        guard let unanswered, let request = try? STUNMessage(parsing: unanswered.span),
            let response = try? STUNMessage(parsing: bytes), response.messageClass.isResponse,
            response.transactionID == request.transactionID
        else { return }
        attemptLimit = nil
        let isGrant = response.messageClass == .success && endpoint.framing == .turn
        guard let channel = settle(on: server, givingBack: isGrant) else { return }
        state = .open(channel, server)
    }

    /// Closes all but one address's channel, which is returned.
    func settle(on server: TransportAddress, givingBack: Bool = false) -> (any ServerChannel)? {
        guard let channel, let first = serverAddress else { return nil }
        let all = [Rival(channel: channel, server: first)] + rivals
        (rivals, unanswered) = ([], nil)
        for loser in all where loser.server != server {
            if givingBack {
                var generator = platform.makeRandomNumberGenerator()
                var release = STUNMessage(
                    .request, .refresh, transactionID: STUNTransactionID(using: &generator))
                release.append(STUNMessage.Lifetime(0))
                try? loser.channel.send(release.bytes)
            }
            loser.channel.close()
        }
        return all.first { $0.server == server }?.channel
    }

    /// Takes an address out of the race; false where it runs alone.
    func retire(_ server: TransportAddress) -> Bool {
        guard !rivals.isEmpty else { return false }
        if serverAddress == server {
            let next = rivals.removeFirst()
            channel?.close()
            state = isOpen ? .open(next.channel, next.server) : .connecting(next.channel, next.server)
        } else if let index = rivals.firstIndex(where: { $0.server == server }) {
            rivals.remove(at: index).channel.close()
        }
        return true
    }

    func closeRivals() {
        for rival in rivals { rival.channel.close() }
        (rivals, unanswered) = ([], nil)
    }
}

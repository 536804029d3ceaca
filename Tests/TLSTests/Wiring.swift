import NetBase
import TLS

/// A client's and a server's session, and what came out of each.
final class Wiring {
    let client: TLSSession
    let server: TLSSession
    var now = Instant(nanoseconds: 0)

    /// The events of each end, without what was sent and received.
    var clientEvents: [TLSSession.Effect] = []
    var serverEvents: [TLSSession.Effect] = []

    /// The data of each end, one element for each record.
    var clientData: [[UInt8]] = []
    var serverData: [[UInt8]] = []

    /// Every chunk or datagram that went each way.
    var clientSent: [[UInt8]] = []
    var serverSent: [[UInt8]] = []

    /// The bytes that are handed over at once; nil for everything, as datagrams need it.
    var chunkByteCount: Int?

    /// Whether the network loses what is sent now.
    var isLossy = false

    init(
        _ transport: TLSContext.Transport = .stream, chain: [UInt8]? = nil, trust: TLSContext.Trust? = nil,
        identity: ServerIdentity = .name(Certificates.name), newest: TLSContext.Version = .tls13,
        retransmissionTimeout: Duration = .seconds(1)
    ) throws {
        let certificates = try Certificates.shared.get()
        client = try TLSSession(
            client: .client(transport, trust: trust ?? .authorities(pem: certificates.authority), newest: newest),
            identity: identity, retransmissionTimeout: retransmissionTimeout)
        server = try TLSSession(
            server: .server(
                transport, certificateChain: chain ?? certificates.server, privateKey: certificates.key))
    }

    /// Carries everything both ways until nothing is left.
    func run() {
        while carry(from: client, to: server, &clientEvents, &clientData, &clientSent)
            || carry(from: server, to: client, &serverEvents, &serverData, &serverSent)
        {}
    }

    /// The client's first flight and everything after it.
    func connect() {
        client.start(at: now)
        run()
    }

    private func carry(
        from source: TLSSession, to target: TLSSession, _ events: inout [TLSSession.Effect], _ data: inout [[UInt8]],
        _ sent: inout [[UInt8]]
    ) -> Bool {
        var isAny = false
        while let effect = source.nextEffect() {
            isAny = true
            switch effect {
            case .send(let bytes):
                sent.append(bytes)
                if !isLossy { deliver(bytes, to: target) }
            case .received(let bytes): data.append(bytes)
            case .handshakeCompleted, .closed, .failed: events.append(effect)
            }
        }
        return isAny
    }

    private func deliver(_ bytes: [UInt8], to target: TLSSession) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(chunkByteCount ?? rest.count)
            target.receive(Array(chunk), at: now)
            rest = rest.dropFirst(chunk.count)
        }
    }
}

extension TLSSession.Effect {
    /// The fault, if this tells of one.
    var error: TLSError? {
        guard case .failed(let error) = self else { return nil }
        return error
    }
}

extension TLSSession {
    /// Writes a whole array, kept alive for the call.
    func write(_ plaintext: [UInt8], at now: Instant) throws(TLSError) {
        try write(plaintext.span, at: now)
    }

    /// Receives a whole array, kept alive for the call.
    func receive(_ bytes: [UInt8], at now: Instant) {
        receive(bytes.span, at: now)
    }
}

import ICE
import ICETesting
import NetBase
import STUN
import TURNCore
import Testing

/// A TURN server behind a fake platform, over TCP in segments of any size or inside TLS or DTLS; peers send back what they get.
private final class Relay {
    let platform = FakePlatform()
    let client: TURNClient
    var segment = 1
    var allocated = 0
    var bound = 0
    var received: [[UInt8]] = []
    var errors: [TURNClientError.Code] = []
    private(set) var frames: [(isSTUN: Bool, byteCount: Int)] = []
    private var core: TURNServerCore
    private var decoder = TURNStreamDecoder()
    private let tuple: TURNFiveTuple
    private var secure: SecureServer?

    static let peer = TransportAddress(IPAddress(v4: 0xcb00_7101), port: 5000)

    init(_ transport: TransportProtocol) throws {
        tuple = TURNFiveTuple(transport == .dtls ? .udp : .tcp, client: publicAddress, server: serverAddress)
        core = TURNServerCore(
            TURNServerSettings(users: ["alice": "secret"], realm: "example.org"), relayIPs: [serverAddress.ip],
            generator: SeededGenerator(seed: 1))
        var configuration = TURNClientConfiguration(
            host: "192.0.2.1", transport: transport, username: "alice", password: "secret")
        configuration.tls.trust = .authorities(pem: try ServerCertificate.here.get().certificate)
        platform.listeners = [serverAddress, TransportAddress(serverAddress.ip, port: 5349)]
        client = try TURNClient(platform: platform, configuration: configuration)
        if transport == .tcp {
            platform.onWrite = { [unowned self] bytes, stream in
                for answer in serve(bytes) { stream.deliver(answer, segment: segment, after: .milliseconds(5)) }
            }
        } else {
            let secure = try SecureServer(platform, transport, ServerCertificate.here.get())
            secure.onPlaintext = { [unowned self] bytes in
                secure.segment = segment
                return serve(bytes)
            }
            self.secure = secure
        }
        client.onAllocate = { [unowned self] _ in allocated += 1 }
        client.onChannelBind = { [unowned self] _, _ in bound += 1 }
        client.onData = { [unowned self] bytes, _ in received.append([UInt8](copying: bytes)) }
        client.onError = { [unowned self] in errors.append($0.code) }
    }

    private func serve(_ bytes: [UInt8]) -> [[UInt8]] {
        var answers: [[UInt8]] = []
        do {
            if tuple.transport == .udp {
                frames.append((STUNMessage.looksLikeSTUN(bytes.span), bytes.count))
                core.receive(bytes.span, on: tuple, at: platform.now)
            } else {
                try decoder.receive(bytes.span) { frame, bytes in
                    frames.append((frame == .stunMessage, bytes.count))
                    switch frame {
                    case .stunMessage: core.receive(bytes, on: tuple, at: platform.now)
                    case .channelData(let channel): core.receive(bytes, onChannel: channel, of: tuple, at: platform.now)
                    }
                }
            }
        } catch {
            Issue.record("the client sent something that is no frame")
        }
        while let effect = core.nextEffect() {
            switch effect {
            case .respond(let message, _): answers.append(message.bytes)
            case .deliver(let bytes, _): answers.append(bytes)
            case .relay(let bytes, let relayed, let peer):
                core.receive(bytes.span, from: peer, onRelay: relayed, at: platform.now)
            case .open, .close, .listen, .connect, .join, .closePeer, .hangUp: break
            }
        }
        return answers
    }

    /// The stream's bytes that the server cannot make sense of yet.
    var isBetweenFrames: Bool { decoder.bufferedByteCount == 0 }

    func connect() {
        client.allocate()
        platform.run(for: .seconds(2))
        client.bindChannel(to: Self.peer)
        platform.run(for: .seconds(2))
    }
}

@Suite("TURNClient and its link")
struct TURNLinkTests {
    @Test(
        "Data goes both ways whatever the splits of the stream",
        arguments: [TransportProtocol.tcp, .tls, .dtls], [1, 3, 1000])
    func splits(transport: TransportProtocol, segment: Int) throws {
        let relay = try Relay(transport)
        relay.segment = segment
        relay.connect()
        #expect(relay.allocated == 1 && relay.bound == 1 && relay.errors == [])
        let payloads: [[UInt8]] = [[], [1], [2, 3], [4, 5, 6], Array(repeating: 7, count: 1201)]
        for payload in payloads { try relay.client.send(payload, to: Relay.peer) }
        relay.platform.run(for: .seconds(2))
        #expect(relay.received == payloads)
    }

    @Test("B3.3: a slow stream loses datagrams, which are counted, and neither STUN nor a part of a frame")
    func slowSink() throws {
        let relay = try Relay(.tcp)
        relay.connect()
        let stream = try #require(relay.platform.streams.first)
        let payload = [UInt8](repeating: 1, count: 1000)
        stream.unsentByteCount = relay.client.configuration.queueLimit - 1004
        try relay.client.send(payload, to: Relay.peer)
        stream.unsentByteCount += 1
        for _ in 0..<3 {
            #expect(throws: NetworkError.self) { try relay.client.send(payload, to: Relay.peer) }
        }
        #expect(relay.client.statistics.packetsDiscardedOnSend == 3)
        let before = relay.frames.count
        relay.client.refresh(lifetime: .seconds(300))
        #expect(relay.frames.count == before + 1 && relay.frames.last?.isSTUN == true)
        stream.unsentByteCount = 0
        try relay.client.send(payload, to: Relay.peer)
        relay.platform.run(for: .seconds(1))
        #expect(relay.received.count == 2)
        #expect(relay.isBetweenFrames)
    }

    @Test("A datagram of any length that fits goes through an empty queue, however small the limit")
    func largeDatagram() throws {
        let relay = try Relay(.tcp)
        relay.segment = 1000
        relay.connect()
        let payload = [UInt8](repeating: 1, count: 65_535)
        try relay.client.send(payload, to: Relay.peer)
        #expect(throws: NetworkError.self) { try relay.client.send(payload + [1], to: Relay.peer) }
        relay.platform.run(for: .seconds(1))
        #expect(relay.received.map(\.count) == [65_535])
    }

    @Test("A user may close the client in the middle of what came in one piece")
    func closingInData() throws {
        let relay = try Relay(.tcp)
        relay.segment = 100_000
        relay.connect()
        var count = 0
        relay.client.onData = { [unowned client = relay.client] _, _ in
            count += 1
            client.close()
        }
        for _ in 0..<3 { try relay.client.send([1], to: Relay.peer) }
        relay.platform.run(for: .seconds(1))
        #expect(count == 1)
        #expect(relay.platform.openCount == 0)
    }

    @Test("A server that says something else than TURN is left", arguments: [TransportProtocol.tcp, .tls])
    func lostFraming(transport: TransportProtocol) throws {
        let relay = try Relay(transport)
        relay.client.allocate()
        relay.platform.onWrite = { _, stream in
            // A TLS alert, as whoever speaks TLS there sends.
            stream.deliver([0x15, 3, 3, 0, 2, 2, 50, 0], after: .milliseconds(1))
        }
        relay.platform.run(for: .seconds(60))
        #expect(relay.errors == [transport == .tcp ? .notTURN : .tlsFailed])
        #expect(relay.platform.openCount == 0)
    }
}

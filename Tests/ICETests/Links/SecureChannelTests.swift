import NetBase
import TLS
import Testing

@testable import ICE

@Suite("A channel under TLS")
final class SecureChannelTests {
    private let platform = FakePlatform()
    private let server: SecureServer
    private let channel: SecureChannel

    init() throws {
        let certificate = try ServerCertificate.here.get()
        platform.listeners = [serverAddress]
        server = try SecureServer(platform, .tls, certificate)
        let context = try TLSContext.client(.stream, trust: .authorities(pem: certificate.certificate))
        let session = try TLSSession(client: context, identity: ServerIdentity(host: "192.0.2.1"))
        channel = SecureChannel(session, over: try StreamChannel(on: platform, to: serverAddress), on: platform)
        channel.open()
        platform.run(for: .seconds(1))
    }

    deinit { channel.close() }

    @Test("What is sent while data is delivered counts as unsent, until it is on its way")
    func sendingInside() throws {
        var counts: [Int] = []
        var writable: [Int] = []
        channel.onBytes = { [unowned channel] _ in
            for _ in 0..<3 {
                #expect(throws: Never.self) { try channel.send([UInt8](repeating: 7, count: 10_000)) }
                counts.append(channel.unsentByteCount)
            }
        }
        channel.onWritable = { [unowned channel] in writable.append(channel.unsentByteCount) }
        server.say([1])
        platform.run(for: .seconds(1))
        #expect(counts.count == 3 && zip(counts, [10_000, 20_000, 30_000]).allSatisfy { $0 >= $1 }, "\(counts)")
        #expect(server.heard.count == 30_000)
        #expect(writable == [0] && channel.unsentByteCount == 0)
    }

    @Test("What the carrier has not taken of it is told of once, when it has")
    func sendingInsideWithoutRoom() throws {
        let stream = try #require(platform.streams.first)
        var told = 0
        channel.onBytes = { [unowned channel] _ in
            try? channel.send([UInt8](repeating: 7, count: 10_000))
            // As if the system had no room for what comes.
            stream.unsentByteCount = 5000
        }
        channel.onWritable = { told += 1 }
        server.say([1])
        platform.run(for: .seconds(1))
        #expect(told == 0 && channel.unsentByteCount == 5000)
        stream.unsentByteCount = 0
        stream.onWritable?()
        #expect(told == 1)
    }

    @Test("How much the system may keep unsent is told to the connection below")
    func limit() {
        channel.limitUnsent(to: 16_384)
        #expect(platform.streams.map(\.unsentLimit) == [16_384])
    }

    @Test("What is sent at any other time is on its way at once, and nothing is told of it")
    func sendingOutside() throws {
        var told = 0
        channel.onWritable = { told += 1 }
        try channel.send([UInt8](repeating: 7, count: 10_000))
        #expect(channel.unsentByteCount == 0)
        platform.run(for: .seconds(1))
        #expect(server.heard.count == 10_000 && told == 0)
    }
}

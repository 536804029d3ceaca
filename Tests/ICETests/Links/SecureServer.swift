import NetBase
import TLS

/// The server's end of TLS or DTLS on a fake platform, for one client at a time: what the client says goes to a closure, whose answers
/// travel back in segments.
final class SecureServer {
    /// What the client said, record by record; the answers are sent back.
    var onPlaintext: (([UInt8]) -> [[UInt8]])?
    /// How long a piece of a stream is.
    var segment = 1000
    private(set) var heard: [UInt8] = []
    private(set) var failure: TLSError?
    private(set) var isClosedByPeer = false
    private let platform: FakePlatform
    private let transport: TransportProtocol
    private let context: TLSContext
    private var session: TLSSession?
    private var reply: (([UInt8]) -> Void)?

    init(_ platform: FakePlatform, _ transport: TransportProtocol, _ certificate: ServerCertificate) throws {
        self.platform = platform
        self.transport = transport
        context = try TLSContext.server(
            transport == .tls ? .stream : .datagram, certificateChain: certificate.certificate,
            privateKey: certificate.key)
        platform.onWrite = { [unowned self] bytes, stream in
            receive(bytes) { stream.deliver($0, segment: self.segment, after: .milliseconds(10)) }
        }
        platform.onSend = { [unowned self] bytes, destination, socket in
            receive(bytes) { socket.deliver($0, from: destination, after: .milliseconds(10)) }
        }
    }

    /// Says something unasked.
    func say(_ bytes: [UInt8]) {
        try? session?.write(bytes.span, at: platform.now)
        perform()
    }

    func shutDown() {
        session?.shutdown()
        perform()
    }

    private func receive(_ bytes: [UInt8], _ reply: @escaping ([UInt8]) -> Void) {
        self.reply = reply
        if session == nil { session = try? TLSSession(server: context) }
        session?.receive(bytes.span, at: platform.now)
        perform()
    }

    private func perform() {
        while let effect = session?.nextEffect() {
            switch effect {
            case .send(let bytes): reply?(bytes)
            case .handshakeCompleted: break
            case .received(let bytes):
                heard += bytes
                for answer in onPlaintext?(bytes) ?? [] { try? session?.write(answer.span, at: platform.now) }
            case .closed: isClosedByPeer = true
            case .failed(let error): failure = error
            }
        }
    }
}

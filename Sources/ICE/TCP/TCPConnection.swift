import ICECore
import NetBase

/// One connection of a ``TCPCandidateSocket``, to one remote address.
final class TCPConnection {
    let remote: TransportAddress

    /// Nil where one is awaited from the other end, and once closed.
    private(set) var stream: (any ByteStream)?

    /// Whether it is up, or was.
    private(set) var isConnected = false

    /// Whether an authentic check came over it, or this end has opened it.
    private(set) var isIdentified: Bool

    /// Whether the socket's owner has been told of something that came over it.
    var isKnown: Bool

    /// Whether a STUN message came over it, which has to be the first.
    var hasShownSTUN = false

    /// Who takes what comes in from now on, where that is another socket than the one that accepted it.
    weak var heir: TCPCandidateSocket?

    /// Whether something was refused that waits for room.
    var isBlocked = false

    /// When it has to be up, or identified; nil once it is both.
    var deadline: Instant?

    var decoder: FrameDecoder

    /// Frames that wait for the connection to come up.
    private var waiting: [UInt8] = []

    /// A connection that this end opens.
    init(to remote: TransportAddress, over stream: (any ByteStream)?) {
        self.remote = remote
        self.stream = stream
        decoder = FrameDecoder()
        isIdentified = true
        isKnown = true
    }

    /// A connection that was accepted from somebody who has yet to show who he is.
    init(accepting stream: any ByteStream, datagramsUpTo length: Int) {
        remote = stream.remoteAddress
        self.stream = stream
        decoder = FrameDecoder(lengthLimit: length)
        isConnected = true
        isIdentified = false
        isKnown = false
    }

    /// Bytes that neither the system nor the peer has yet.
    var unsentByteCount: Int { waiting.count + (stream?.unsentByteCount ?? 0) }

    func identify() {
        isIdentified = true
        deadline = nil
        decoder.lengthLimit = FrameEncoder.longestDatagram
    }

    /// The connection is up, over the stream that it was opened with or over one that came in from where it was opened to.
    func connected(over stream: any ByteStream) throws(NetworkError) {
        if self.stream !== stream { self.stream?.close() }
        self.stream = stream
        isConnected = true
        deadline = nil
        guard !waiting.isEmpty else { return }
        let frames = waiting
        waiting = []
        try stream.write(frames)
    }

    func write(_ header: [UInt8], _ datagram: Span<UInt8>) throws(NetworkError) {
        guard isConnected else {
            waiting += header
            return unsafe datagram.withUnsafeBufferPointer { unsafe waiting.append(contentsOf: $0) }
        }
        try stream?.write(header, datagram)
    }

    func write(frames: [UInt8]) throws(NetworkError) {
        guard isConnected else { return waiting += frames }
        try stream?.write(frames)
    }

    func close() {
        stream?.close()
        stream = nil
        waiting = []
    }

    /// Closes it for what the peer did, or did not do: of strangers the system is to keep nothing.
    func giveUp() {
        if !isIdentified { stream?.reset() }
        close()
    }
}

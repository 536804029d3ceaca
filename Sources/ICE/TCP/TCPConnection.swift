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

    /// Frames that wait for the connection to come up, or for the system to take more.
    private var queue = FrameQueue()

    /// A connection that this end opens.
    init(to remote: TransportAddress, over stream: (any ByteStream)?) {
        self.remote = remote
        self.stream = stream
        decoder = FrameDecoder()
        isIdentified = true
        isKnown = true
    }

    /// A connection that was accepted from somebody who has yet to show who he is.
    init(accepting stream: any ByteStream, isUp: Bool, datagramsUpTo length: Int) {
        remote = stream.remoteAddress
        self.stream = stream
        decoder = FrameDecoder(lengthLimit: length)
        isConnected = isUp
        isIdentified = false
        isKnown = false
        stream.limitUnsent(to: Self.systemByteCount)
    }

    /// How many bytes that have not been sent yet the system takes, where it can be told: what waits there is past being overtaken.
    private static let systemByteCount = 64 << 10

    /// Bytes that neither the system nor the peer has yet.
    var unsentByteCount: Int { queue.byteCount + (stream?.unsentByteCount ?? 0) }

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
        if isIdentified { deadline = nil }
        stream.limitUnsent(to: Self.systemByteCount)
        try drain()
    }

    /// Writes a frame, or lets it wait; what is urgent waits ahead of the rest.
    func write(_ header: [UInt8], _ datagram: Span<UInt8>, isUrgent: Bool) throws(NetworkError) {
        guard let stream = idleStream, queue.isEmpty else {
            return queue.append(header, datagram, isUrgent: isUrgent)
        }
        try stream.write(header, datagram)
    }

    /// Writes frames of data, or lets them wait.
    func write(frames: [UInt8]) throws(NetworkError) {
        if let stream = idleStream, queue.isEmpty, frames.count <= FrameQueue.pieceByteCount {
            return try stream.write(frames)
        }
        queue.append(frames: frames)
        try drain()
    }

    /// Hands over what waits, as long as the system takes all of it: behind what it has left over nothing could be put in front.
    func drain() throws(NetworkError) {
        while let stream = idleStream, let piece = queue.next() { try stream.write(piece) }
    }

    /// The connection, where it is up and has taken all that it was given.
    private var idleStream: (any ByteStream)? {
        guard isConnected, let stream, stream.unsentByteCount == 0 else { return nil }
        return stream
    }

    func close() {
        stream?.close()
        stream = nil
        queue = FrameQueue()
    }

    /// Closes it for what the peer did, or did not do: of strangers the system is to keep nothing.
    func giveUp() {
        if !isIdentified { stream?.reset() }
        close()
    }
}

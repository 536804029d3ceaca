import ICECore
import NetBase
import STUN

/// The base of TCP candidates as a socket of datagrams: a set of connections, one for each remote address, that carry the frames of
/// RFC 4571 (RFC 6544 §7.1).
///
/// ```
///              connects        accepts             localAddress
/// active       yes, from ip:0  no                  ip:9
/// passive      no              yes                 ip:port
/// so           from ip:port    yes                 ip:port
/// ```
///
/// Where they come from is a ``ConnectionSource``: this machine's own ports, or those of a relay.
///
/// A connection that was accepted has to show an authentic check (``claim(_:as:)``) within a time, and the first datagram of every
/// connection has to be STUN; until then it counts for little: see ``TCPLimits``.
final class TCPCandidateSocket: DatagramSocket {
    /// The base's address; of an active one with port 9: RFC 6544 §4.5, "the port(s) MUST be set to 9 (i.e., Discard)".
    let localAddress: TransportAddress

    /// Who opens the connections.
    let type: Candidate.TCPType

    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)?
    var onWritable: (() -> Void)?

    /// Connections tell what went wrong in ``onDisconnect``.
    var onUnreachable: ((TransportAddress, NetworkError) -> Void)?

    /// A connection that this end wanted is up, and what waited for it is on its way.
    var onConnect: ((TransportAddress) -> Void)?

    /// A connection could not be made, was ended by the peer, broke or was given up for what came over it, and whether it had been up.
    ///
    /// Not called for what was closed with ``disconnect(_:)`` or ``close()``, nor for accepted connections over which no datagram came.
    var onDisconnect: ((TransportAddress, NetworkError, _ wasConnected: Bool) -> Void)?

    let platform: any Platform
    let limits: TCPLimits
    var connections = TCPConnectionTable()
    /// Whether data was refused for want of a connection.
    var isDataWaiting = false
    private var frames = FrameEncoder()
    private var onBatch: ((DatagramBatch, TransportAddress) -> Void)?
    let source: any ConnectionSource
    private var alarm: (any Alarm)?
    private var alarmTime: Instant?
    var servers: [TransportAddress: ServerConnection] = [:]
    private(set) var isClosed = false

    /// A base on an IP address of this machine, which listens, but for an active one, on a port of the range or on one that is free.
    ///
    /// Throws what keeps it from listening.
    ///
    /// - Parameter asksServers: Whether it is to ask STUN servers from its port.
    convenience init(
        on platform: any Platform, _ type: Candidate.TCPType, ip: IPAddress, ports: ClosedRange<UInt16>? = nil,
        asksServers: Bool = false, limits: TCPLimits = TCPLimits()
    ) throws(NetworkError) {
        let source = try HostConnections(on: platform, type, ip: ip, ports: ports, asksServers: asksServers)
        self.init(on: platform, type, source, limits: limits)
    }

    /// A passive base with a port that is there already.
    convenience init(
        on platform: any Platform, acceptingFrom listener: any StreamListener, limits: TCPLimits = TCPLimits()
    ) {
        self.init(on: platform, .passive, HostConnections(on: platform, acceptingFrom: listener), limits: limits)
    }

    /// A passive base that does not listen: another one, on the same address, hands it its connections (``handOver(_:to:)``).
    convenience init(on platform: any Platform, at address: TransportAddress, limits: TCPLimits = TCPLimits()) {
        self.init(on: platform, .passive, HostConnections(on: platform, at: address), limits: limits)
    }

    /// A base whose connections come from a source.
    init(
        on platform: any Platform, _ type: Candidate.TCPType, _ source: any ConnectionSource,
        limits: TCPLimits = TCPLimits()
    ) {
        self.platform = platform
        self.type = type
        self.limits = limits
        self.source = source
        localAddress = source.localAddress
        alarm = platform.makeAlarm { [weak self] in self?.advance() }
        source.onConnection = { [weak self] stream, isUp in
            guard let self else { return stream.close() }
            accept(stream, isUp: isUp)
        }
    }

    deinit { close() }

    /// Whether it has a port of this machine to itself.
    var isListening: Bool { source.isListening }

    // MARK: Sending

    /// Sends a datagram over the connection to the destination; one that looks like STUN opens it if there is none, and nothing else does:
    /// a check is to go first (RFC 6544 §11.1).
    ///
    /// Throws `.wouldBlock` where it has to wait, as behind more than ``TCPLimits/unsentByteCount``, `.notConnected` where there is no
    /// connection to the destination and the base is passive, `.outOfResources` where there are too many, `.messageTooLarge` above 65,535
    /// bytes, and what the system knows of at once. Whatever it throws, no part of the datagram was sent. An empty one is not sent at all:
    /// its frame would be a null packet (RFC 4571 §2).
    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        try checkLength(bytes.count, to: destination)
        let isSTUN = STUNMessage.looksLikeSTUN(bytes)
        let connection = try writableConnection(to: destination, forSTUN: isSTUN)
        guard !bytes.isEmpty else { return }
        do throws(NetworkError) {
            try connection.write(frames.header(for: bytes.count), bytes, isUrgent: isSTUN)
        } catch {
            throw broken(connection, error)
        }
    }

    func send(contentsOf datagrams: [[UInt8]], to destination: TransportAddress) throws(NetworkError) -> Int {
        var taken = 0
        do throws(NetworkError) {
            while taken < datagrams.count {
                try checkLength(datagrams[taken].count, to: destination)
                let connection = try writableConnection(to: destination)
                var next = taken
                while next < datagrams.count, mayGather(datagrams[next].count) {
                    let datagram = datagrams[next]
                    frames.append(datagram.span)
                    next += 1
                }
                try writeFrames(over: connection)
                taken = next
            }
        } catch {
            if taken == 0 { throw error }
        }
        return taken
    }

    func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        guard !bytes.isEmpty else { return 0 }
        let batch = DatagramBatch(bytes, datagramSize: size)
        let largest = min(size, bytes.count)
        try checkLength(largest, to: destination)
        var taken = 0
        do throws(NetworkError) {
            while taken < batch.count {
                let connection = try writableConnection(to: destination)
                var next = taken
                while next < batch.count, mayGather(largest) {
                    frames.append(batch[next])
                    next += 1
                }
                try writeFrames(over: connection)
                taken = next
            }
        } catch {
            if taken == 0 { throw error }
        }
        return taken
    }

    /// How many bytes of frames are written in one piece, give or take a frame.
    private static let gatheredByteCount = 1 << 16

    private func mayGather(_ count: Int) -> Bool {
        count <= FrameEncoder.longestDatagram && frames.frames.count < Self.gatheredByteCount
    }

    private func writeFrames(over connection: TCPConnection) throws(NetworkError) {
        defer { frames.removeAll() }
        do throws(NetworkError) {
            try connection.write(frames: frames.frames)
        } catch {
            throw broken(connection, error)
        }
    }

    private func checkLength(_ count: Int, to destination: TransportAddress) throws(NetworkError) {
        guard count > FrameEncoder.longestDatagram else { return }
        throw fault(.messageTooLarge, "EMSGSIZE", destination)
    }

    // MARK: Receiving

    func receiveBatches(_ body: @escaping (DatagramBatch, TransportAddress) -> Void) { onBatch = body }

    func deliver(_ datagram: Span<UInt8>, from source: TransportAddress) {
        if let onBatch { return onBatch(DatagramBatch(only: datagram), source) }
        onDatagram?(datagram, source)
    }

    // MARK: Ending

    /// Closes the connection to an address, if there is one; nothing is told of it.
    func disconnect(_ address: TransportAddress) {
        guard let connection = connections[address] else { return }
        drop(connection)
    }

    func close() {
        isClosed = true
        source.close()
        alarm?.close()
        alarm = nil
        for connection in connections.removeAll() { connection.close() }
        leaveServers()
        (onDatagram, onWritable, onUnreachable, onConnect, onDisconnect, onBatch) = (nil, nil, nil, nil, nil, nil)
    }

    /// Sets the one alarm for what has to happen first.
    func setAlarm() {
        let time = connections.deadline
        guard time != alarmTime else { return }
        alarmTime = time
        if let time { alarm?.set(for: time) } else { alarm?.cancel() }
    }

    private func overdue(_ connection: TCPConnection) -> NetworkError {
        guard !connection.isConnected else { return fault(.timedOut, "ETIMEDOUT", connection.remote) }
        let seconds = limits.connectTimeout.components.seconds
        return NetworkError(
            .timedOut, name: "ETIMEDOUT",
            operation: "connect to \(connection.remote), from where nothing came for \(seconds) seconds: nobody is "
                + "there, or a firewall drops what opens a connection")
    }

    private func advance() {
        alarmTime = nil
        for connection in connections.overdue(at: platform.now) where connections.contains(connection) {
            giveUp(connection, overdue(connection))
        }
        setAlarm()
    }
}

import ICECore
import NetBase
import STUN

extension TCPCandidateSocket {
    /// The connection to a destination, where it takes more: STUN, which opens it if there is none, or data, which does not.
    func writableConnection(
        to destination: TransportAddress, forSTUN isSTUN: Bool = false
    ) throws(NetworkError) -> TCPConnection {
        guard let connection = connections[destination] else {
            guard !isSTUN, type != .passive else { return try open(to: destination) }
            isDataWaiting = true
            throw fault(.wouldBlock, "EAGAIN", destination)
        }
        let limit = limits.unsentByteCount + (isSTUN ? limits.reservedByteCount : 0)
        guard connection.unsentByteCount <= limit else {
            connection.isBlocked = true
            throw fault(.wouldBlock, "EAGAIN", destination)
        }
        return connection
    }

    // MARK: Opening

    private func open(to destination: TransportAddress) throws(NetworkError) -> TCPConnection {
        guard !isClosed else { throw fault(.closed, "ECLOSED", destination) }
        guard type != .passive else { throw fault(.notConnected, "ENOTCONN", destination) }
        guard connections.identifiedCount < limits.identifiedCount else {
            throw fault(.outOfResources, "EMFILE", destination)
        }
        let stream = try source.connect(to: destination)
        let connection = TCPConnection(to: destination, over: stream)
        connection.deadline = platform.now + limits.connectTimeout
        connection.isBlocked = isDataWaiting
        isDataWaiting = false
        if let stream { watch(stream, of: connection) }
        connections.insert(connection)
        setAlarm()
        return connection
    }

    private func watch(_ stream: any ByteStream, of connection: TCPConnection) {
        stream.onConnect = { [weak self, weak connection, weak stream] in
            guard let self, let connection, let stream else { return }
            connected(connection, over: stream)
        }
        stream.onBytes = { [weak self, weak connection] bytes in
            guard let self, let connection else { return }
            receive(bytes, over: connection)
        }
        stream.onWritable = { [weak self, weak connection] in
            guard let self, let connection else { return }
            drain(connection)
        }
        stream.onClose = { [weak self, weak connection] error in
            guard let self, let connection else { return }
            giveUp(connection, error)
        }
    }

    private func connected(_ connection: TCPConnection, over stream: any ByteStream) {
        do throws(NetworkError) {
            try connection.connected(over: stream)
        } catch {
            return giveUp(connection, error)
        }
        setAlarm()
        onConnect?(connection.remote)
        if connection.unsentByteCount == 0 { roomCame(in: connection) }
    }

    private func drain(_ connection: TCPConnection) {
        do throws(NetworkError) {
            try connection.drain()
        } catch {
            return giveUp(connection, error)
        }
        if connection.unsentByteCount == 0 { roomCame(in: connection) }
    }

    private func roomCame(in connection: TCPConnection) {
        guard connection.isBlocked else { return }
        connection.isBlocked = false
        onWritable?()
    }

    // MARK: Accepting

    /// Takes a connection from somebody who has yet to show who he is.
    ///
    /// - Parameter isUp: False where it is still on its way from a relay.
    func accept(_ stream: any ByteStream, isUp: Bool = true) {
        let remote = stream.remoteAddress
        // Nobody can have two connections of the same addresses: the old one's end has not been told yet.
        if let there = connections[remote], there.isConnected || type == .passive {
            giveUp(there, fault(.connectionReset, "ECONNRESET", remote))
        }
        guard !isClosed else { return stream.close() }
        // It may be the one that this end is opening, even since a moment ago.
        if let awaited = connections[remote] {
            watch(stream, of: awaited)
            return connected(awaited, over: stream)
        }
        makeRoom(for: remote.ip)
        guard !isClosed else { return stream.close() }
        let connection = TCPConnection(
            accepting: stream, isUp: isUp, datagramsUpTo: limits.unidentifiedDatagramLength)
        connection.deadline = platform.now + limits.identificationTimeout
        watch(stream, of: connection)
        connections.insert(connection)
        setAlarm()
    }

    /// Whoever came last may be who is expected: the oldest has had the most time to show that it is.
    func makeRoom(for ip: IPAddress) {
        let unidentified = connections.unidentified
        let neighbours = unidentified.filter { $0.remote.ip == ip }
        let oldest =
            if neighbours.count >= limits.unidentifiedCountPerIP {
                neighbours.first
            } else if unidentified.count >= limits.unidentifiedCount {
                unidentified.first
            } else {
                nil as TCPConnection?
            }
        if let oldest { giveUp(oldest, fault(.outOfResources, "EMFILE", oldest.remote)) }
    }

    // MARK: Receiving

    private func receive(_ bytes: Span<UInt8>, over connection: TCPConnection) {
        var offset = 0
        do throws(FrameDecoder.TooLong) {
            while connections.contains(connection),
                let datagram = try connection.decoder.next(in: bytes, from: &offset)
            {
                switch datagram {
                case .inPlace(let range):
                    take(bytes.extracting(range), over: connection)
                case .assembled(let buffer):
                    take(buffer.span, over: connection)
                    connection.decoder.reuse(buffer)
                }
            }
        } catch {
            giveUp(connection, fault(.messageTooLarge, "EMSGSIZE", connection.remote))
        }
        if let heir = connection.heir, heir !== self, offset < bytes.count {
            heir.receive(bytes.extracting(offset..<bytes.count), over: connection)
        }
    }

    private func take(_ datagram: Span<UInt8>, over connection: TCPConnection) {
        // RFC 6544 §7.1: "the response to the first connectivity check on the established TCP connection is something other than a STUN
        // message": somebody else lives there.
        if !connection.hasShownSTUN {
            guard STUNMessage.looksLikeSTUN(datagram) else {
                return giveUp(connection, fault(.other, "EPROTO", connection.remote))
            }
            connection.hasShownSTUN = true
        } else if !connection.isIdentified, !STUNMessage.looksLikeSTUN(datagram) {
            // Another connection from the same address may have been the peer's: this one has proved nothing yet.
            return
        }
        connection.isKnown = true
        deliver(datagram, from: connection.remote)
    }

    // MARK: Handing over

    /// Lets another base of the same address have a connection; what was not taken yet of what has come in goes there, too.
    func handOver(_ remote: TransportAddress, to other: TCPCandidateSocket) {
        guard let connection = connections[remote] else { return }
        connections.remove(connection)
        connection.heir = other
        setAlarm()
        other.inherit(connection)
    }

    private func inherit(_ connection: TCPConnection) {
        guard !isClosed, let stream = connection.stream else { return connection.close() }
        if let there = connections[connection.remote] {
            giveUp(there, fault(.connectionReset, "ECONNRESET", connection.remote))
        }
        makeRoom(for: connection.remote.ip)
        watch(stream, of: connection)
        connections.insert(connection)
        setAlarm()
    }

    // MARK: Claims

    /// Marks an accepted connection as identified: an authentic check came over it. False where there are ``TCPLimits/identifiedCount``
    /// such connections already.
    func claim(_ address: TransportAddress, as use: RemoteUse) -> Bool {
        guard use != .relayServer, let connection = connections[address], !connection.isIdentified else { return true }
        guard connections.identifiedCount < limits.identifiedCount else { return false }
        connection.identify()
        setAlarm()
        return true
    }

    // MARK: Ending

    /// Closes a connection and tells the owner, if it has heard of it. Only for events: nothing is told inside a call of the owner's.
    func giveUp(_ connection: TCPConnection, _ error: NetworkError) {
        guard connections.contains(connection) else { return }
        connection.giveUp()
        drop(connection)
        if connection.isKnown { onDisconnect?(connection.remote, error, connection.isConnected) }
    }

    /// A write has failed: how much of the frame the system took is not known. The owner is told on a later turn.
    func broken(_ connection: TCPConnection, _ error: NetworkError) -> NetworkError {
        drop(connection)
        platform.enqueue { [weak self] in
            self?.onDisconnect?(connection.remote, error, connection.isConnected)
        }
        return error
    }

    func drop(_ connection: TCPConnection) {
        connections.remove(connection)
        connection.close()
        setAlarm()
    }

    func fault(_ code: NetworkError.Code, _ name: String, _ remote: TransportAddress) -> NetworkError {
        NetworkError(code, name: name, operation: "connection \(localAddress) - \(remote)")
    }
}

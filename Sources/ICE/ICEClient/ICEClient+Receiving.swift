import NetBase
import STUN

extension ICEClient {
    /// Takes datagrams of one sender apart: STUN goes to the agent, the rest is the application's if an authenticated check has validated
    /// their source, whatever their first byte.
    func receive(_ batch: DatagramBatch, from source: TransportAddress, on socket: ClientSocket) {
        // Most of what arrives, where much does.
        if batch.count == 1, relays.isEmpty, !owesSettling, !STUNMessage.looksLikeSTUN(batch.bytes) {
            return take(batch, from: source, on: socket)
        }
        takeApart(batch, from: source, on: socket)
    }

    private func takeApart(_ batch: DatagramBatch, from source: TransportAddress, on socket: ClientSocket) {
        let isFromServer = relays.contains { $0.via == socket.id && $0.client.serverAddress == source }
        var next = 0
        while next < batch.count, socket.isOpen, !isClosed {
            let datagram = batch[next]
            if isFromServer, deliverToRelays(datagram, on: socket.id, from: source) {
                next += 1
            } else if STUNMessage.looksLikeSTUN(datagram) {
                next += 1
                let hasMore = next < batch.count || socket.socket.hasMore
                owesSettling = hasMore
                input { $0.receive(datagram, from: source, on: socket.id, now: $1, hasMore: hasMore) }
            } else {
                let end = isFromServer ? next + 1 : batch.endOfRun(from: next)
                take(batch.extracting(next..<end), from: source, on: socket)
                next = end
            }
        }
        if owesSettling, !socket.isOpen || !socket.socket.hasMore {
            owesSettling = false
            input { $0.settle(at: $1) }
        }
    }

    private func take(_ data: DatagramBatch, from source: TransportAddress, on socket: ClientSocket) {
        let now = platform.now
        guard socket.accept(data, from: source, at: now) else {
            counted.foreignDatagrams += UInt64(data.count)
            return
        }
        noteReceived(from: source, on: socket, at: now)
        counted.packetsReceived += UInt64(data.count)
        counted.bytesReceived += UInt64(data.bytes.count)
        deliver(data, of: socket)
    }

    /// Whether anybody takes datagrams one by one.
    private var hearsEach: Bool { takeDatagram != nil || hasDelegate || !datagramStreams.isEmpty }

    private func deliver(_ data: DatagramBatch, of socket: ClientSocket) {
        let path = socket.path
        // What the application has still to hear comes before the data.
        deliverEvents()
        guard !isClosed, socket.isOpen else { return }
        takeBatch?(data, path)
        guard hearsEach else { return }
        for index in 0..<data.count {
            if index > 0 { deliverEvents() }
            guard !isClosed, socket.isOpen, member?.port?.isClosed != true else { return }
            deliver(data[index], on: path)
        }
    }

    private func deliver(_ bytes: Span<UInt8>, on path: StreamComponent) {
        if !datagramStreams.isEmpty { stream(bytes, on: path) }
        takeDatagram?(bytes, path)
        if hasDelegate { tellDelegate(of: bytes, on: path) }
    }

    // The weak reference is not to be looked at for those who have none.
    @inline(never)
    private func tellDelegate(of bytes: Span<UInt8>, on path: StreamComponent) {
        listener?.iceClient(self, didReceive: bytes, on: path)
    }
}

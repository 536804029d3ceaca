import ICE

/// What a TURN client does and hears from the allocation to the last echo.
final class EchoSession {
    private let client: TURNClient
    private let peer: TransportAddress
    private let loop: EventLoop
    private let count: Int
    private var echoes = 0
    private var sentAt: Instant
    private(set) var failure: String?
    /// How far it has come.
    private(set) var step = "the server has not answered"

    init(client: TURNClient, peer: TransportAddress, loop: EventLoop, count: Int) {
        self.client = client
        self.peer = peer
        self.loop = loop
        self.count = count
        sentAt = loop.now
    }

    var isOver: Bool { echoes == count || failure != nil }

    func start() {
        client.onAllocate = { [unowned self] allocation in
            for relayed in allocation.relayedAddresses { print("peers reach us at \(relayed)") }
            if let seen = allocation.reflexiveAddress { print("the server sees us at \(seen)") }
            print("for \(allocation.lifetime) unless refreshed; asking for a channel to \(peer)")
            client.bindChannel(to: peer)
            step = "there is an allocation, but no channel to \(peer)"
        }
        client.onCreatePermission = { address in print("\(address) may send to us") }
        client.onChannelBind = { [unowned self] peer, channel in
            print("channel \(channel) stands for \(peer)")
            step = "the channel is there, but nothing came back over it"
            send()
        }
        client.onData = { [unowned self] bytes, peer in
            let text = String(decoding: [UInt8](copying: bytes), as: UTF8.self)
            print("\(peer) echoed \(text) after \(((loop.now - sentAt).milliseconds * 100).rounded() / 100) ms")
            step = "\(echoes + 1) of \(count) datagrams came back"
            echoes += 1
            if !isOver { send() }
        }
        client.onAllocationLost = { [unowned self] error in failure = "\(error)" }
        client.onResponseError = { [unowned self] method, code, reason in failure = "\(method): \(code) \(reason)" }
        client.onError = { [unowned self] error in failure = "\(error)" }
        client.allocate()
    }

    private func send() {
        sentAt = loop.now
        do {
            try client.send(Array("datagram \(echoes + 1)".utf8), to: peer)
        } catch {
            failure = "\(error)"
        }
    }
}

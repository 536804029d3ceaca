import ICE

/// An allocation of our own, and what its server has said so far.
final class Allocation {
    let client: TURNClient
    private(set) var fault: Fault?
    private(set) var hasFailed = false
    private(set) var permitted: Set<IPAddress> = []
    private(set) var channels: Set<TransportAddress> = []
    private(set) var isReleased = false
    private(set) var refreshes = 0
    var onData: ((Span<UInt8>, TransportAddress) -> Void)?

    init(_ configuration: TURNClientConfiguration, on loop: EventLoop) throws(TURNClientError) {
        client = try TURNClient(loop: loop, configuration: configuration)
        client.onRefresh = { [unowned self] lifetime in
            if lifetime == .zero { isReleased = true } else { refreshes += 1 }
        }
        client.onCreatePermission = { [unowned self] ip in permitted.insert(ip) }
        client.onChannelBind = { [unowned self] peer, _ in channels.insert(peer) }
        client.onData = { [unowned self] bytes, peer in onData?(bytes, peer) }
        client.onResponseError = { [unowned self] _, code, reason in fail(Fault(code: code, reason: reason)) }
        client.onError = { [unowned self] error in fail(Fault(error)) }
        client.onAllocationLost = { [unowned self] error in fail(Fault(error)) }
    }

    var relayed: TransportAddress? { client.allocation?.relayedAddresses.first }

    /// Forgets what went wrong, before something else is tried.
    func clearFault() {
        fault = nil
        hasFailed = false
    }

    private func fail(_ fault: Fault) {
        self.fault = fault
        hasFailed = true
    }
}

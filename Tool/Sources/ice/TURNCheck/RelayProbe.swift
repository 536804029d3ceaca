import ICE

/// Checks one URL, step by step; it drives the loop itself.
final class RelayProbe {
    struct Plan {
        var count = 20
        var interval = Duration.milliseconds(20)
        var size = 200
        var timeout = Duration.seconds(5)
    }

    private let configuration: TURNClientConfiguration
    private let plan: Plan
    private let loop: EventLoop
    private let console: Console
    private var finding: RelayFinding

    init(url: String, configuration: TURNClientConfiguration, plan: Plan, loop: EventLoop, console: Console) {
        self.configuration = configuration
        self.plan = plan
        self.loop = loop
        self.console = console
        finding = RelayFinding(url: url, host: configuration.host, transport: configuration.transport.rawValue)
    }

    func run() -> RelayFinding {
        do {
            let allocation = try Allocation(configuration, on: loop)
            defer { end(allocation) }
            if let fault = allocate(allocation) {
                finding.fault = fault
            } else {
                measureServer(allocation)
                relay(over: allocation)
            }
        } catch {
            finding.fault = Fault(error)
        }
        console.clearStatus()
        return finding
    }

    // MARK: The server

    private func allocate(_ allocation: Allocation) -> Fault? {
        console.show(status: "\(finding.url): allocating")
        let start = loop.now
        allocation.client.allocate()
        let limit = Quantity.milliseconds(plan.timeout.milliseconds)
        guard wait(for: allocation, until: { allocation.relayed != nil }) else {
            return allocation.fault
                ?? Fault(
                    "unreachable", "the server did not answer within \(limit)",
                    advice: Self.adviceAtSilence(over: configuration.transport.rawValue))
        }
        guard let state = allocation.client.allocation else { return nil }
        if finding.allocationMilliseconds == nil {
            finding.allocationMilliseconds = (loop.now - start).roundedMilliseconds
            finding.relayedAddress = allocation.relayed.map { "\($0)" }
            finding.remark = allocation.relayed.flatMap {
                Reach.remark(onRelayed: $0.ip, of: configuration.host)
            }
            finding.reflexiveAddress = state.reflexiveAddress.map { "\($0)" }
            finding.lifetime = state.lifetime.components.seconds
        }
        return nil
    }

    /// A server's plain port takes a TLS connection, and says nothing: that is the likeliest cause, which can't be told from others.
    static func adviceAtSilence(over transport: String) -> String {
        switch transport {
        case "tls", "dtls":
            "no \(transport.uppercased()) handshake came: is this the server's TLS port (mostly 5349)? Else check the firewalls on the way"
        default: "check the port, the transport and the firewalls on the way"
        }
    }

    private func measureServer(_ allocation: Allocation) {
        let start = loop.now
        allocation.client.refresh(lifetime: configuration.lifetime)
        if wait(for: allocation, until: { allocation.refreshes > 0 }) {
            finding.serverMilliseconds = (loop.now - start).roundedMilliseconds
        }
        allocation.clearFault()
    }

    // MARK: The relay

    /// Relays to a second allocation, or else to a socket of this machine.
    private func relay(over allocation: Allocation) {
        var faults: [Fault] = []
        for kind in [RelayFinding.Peer.allocation, .socket] {
            (finding.permission, finding.channel) = (nil, nil)
            allocation.clearFault()
            console.show(
                status: "\(finding.url): relaying to \(kind == .allocation ? "a second allocation" : "a socket")")
            let (peer, fault) = makePeer(kind, for: allocation)
            defer { peer?.close() }
            if let peer, let address = peer.address, exchange(allocation, with: address) {
                finding.peer = kind
                return
            }
            faults += [fault, allocation.fault].compactMap { $0 }
        }
        finding.fault = Self.fault(after: faults)
    }

    /// What keeps an allocation that is there from relaying anything.
    private static func fault(after faults: [Fault]) -> Fault {
        let advice = "check that its relay ports are open, and that its own or this machine's address may be a peer"
        guard let fault = faults.last else {
            return Fault(
                "not-relayed", "the server gave an address, but nothing came back over it", advice: advice)
        }
        return Fault(
            fault.name, "the server gave an address, but relays nothing: \(fault.message)",
            advice: fault.name == "forbidden"
                ? "see which peers it denies: not even its own address may be one" : fault.advice)
    }

    private func makePeer(_ kind: RelayFinding.Peer, for allocation: Allocation) -> ((any EchoPeer)?, Fault?) {
        guard let relayed = allocation.relayed else { return (nil, nil) }
        switch kind {
        case .allocation:
            guard let second = try? Allocation(configuration, on: loop) else { return (nil, nil) }
            let peer = AllocatedPeer(second)
            if let fault = allocate(second) { return (peer, fault) }
            second.client.createPermission(for: relayed.ip)
            _ = wait(for: second, until: { second.permitted.contains(relayed.ip) })
            return (peer, second.fault)
        case .socket:
            // Permissions are for addresses, whatever the port; the port may be any behind a NAT.
            guard let own = allocation.client.allocation?.reflexiveAddress?.ip, own.family == relayed.family,
                permit(own, on: allocation), let peer = try? SocketPeer(at: relayed, on: loop)
            else { return (nil, allocation.fault) }
            allocation.onData = { [unowned peer] _, source in peer.heard(from: source) }
            _ = wait(for: allocation, until: { peer.address != nil })
            return (peer, nil)
        }
    }

    private func permit(_ ip: IPAddress, on allocation: Allocation) -> Bool {
        allocation.client.createPermission(for: ip)
        let isPermitted = wait(for: allocation, until: { allocation.permitted.contains(ip) })
        if !isPermitted { finding.permission = false }
        return isPermitted
    }

    /// Lets the peer in, relays by indications, then over a channel; false where nothing comes back.
    private func exchange(_ allocation: Allocation, with peer: TransportAddress) -> Bool {
        guard permit(peer.ip, on: allocation) else { return false }
        let echo = EchoTest(allocation: allocation, peer: peer, plan: plan, loop: loop)
        let byIndications = echo.run(count: min(3, plan.count))
        finding.permission = byIndications.received > 0
        allocation.client.bindChannel(to: peer)
        finding.channel = wait(for: allocation, until: { allocation.channels.contains(peer) })
        guard byIndications.received > 0 || finding.channel == true else { return false }
        let trips = echo.run(count: plan.count)
        guard trips.received > 0 else { return false }
        finding.sent = trips.sent
        finding.received = trips.received
        finding.loss = trips.loss()
        finding.roundTrip = trips.times
        finding.works = finding.permission == true && finding.channel == true
        if !finding.works { finding.fault = allocation.fault }
        return true
    }

    // MARK: Waiting

    private func wait(for allocation: Allocation, until condition: () -> Bool) -> Bool {
        _ = loop.run(until: { condition() || allocation.hasFailed }, atMost: plan.timeout)
        return condition()
    }

    /// Gives the allocation back, so that it does not count against the user's quota for ten minutes.
    private func end(_ allocation: Allocation) {
        if allocation.client.allocation != nil {
            allocation.client.refresh(lifetime: .zero)
            _ = loop.run(until: { allocation.isReleased }, atMost: .seconds(1))
        }
        allocation.client.close()
    }
}

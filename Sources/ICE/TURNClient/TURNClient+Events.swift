import NetBase
import STUN
import TURNCore

// What the core tells, and what follows from it.
extension TURNClient {
    func handle(_ event: AllocationEvent) {
        switch event {
        case .lost(let loss): lost(loss)
        case .failed(let failure): failed(failure)
        default:
            tellPendingError()
            follow(event)
        }
    }

    private func follow(_ event: AllocationEvent) {
        switch event {
        case .allocated: allocated()
        case .refreshed(let lifetime):
            schedule(.refreshed(lifetime))
            // Data waits while the server is being told of another address.
            platform.enqueue { [weak self] in self?.writable() }
        case .released:
            end(with: .refreshed(.zero))
        case .familyReleased, .lost, .failed: break
        case .permitted(let peer): schedule(.permitted(peer))
        case .permissionRefused(let peer, let failure): missing(.permissionLost(peer), failure, "\(peer)")
        case .permissionExpired(let peer): schedule(.permissionLost(peer))
        case .channelBound(let peer, let channel):
            hasStartedAfresh = false
            schedule(.channelBound(peer, channel.rawValue))
        case .channelRefused(let peer, let failure): missing(.channelLost(peer), failure, "\(peer)")
        case .channelExpired(let peer, _): schedule(.channelLost(peer))
        case .connected(let connection): connected(connection)
        case .connectRefused(let peer, let failure): connectFailed(peer, failure)
        case .attempted(let connection): schedule(.attempt(TURNConnectionAttempt(connection, of: self)))
        case .attemptIgnored: statistics.ignoredConnectionAttempts += 1
        case .peerError(let peer, let error): peerFailed(peer, error)
        case .accessTokenNeeded(let serverName): schedule(.accessTokenNeeded(serverName))
        case .error(let method, let code, let reason): pendingError = (method, code, reason)
        case .redirected(let servers, let domain): redirected(to: servers, domain)
        case .portRejected:
            phase = .opening
            link.openFromNewPort()
        }
    }

    /// Tells of a server's error that nothing else came of.
    func tellPendingError() {
        guard let (method, code, reason) = pendingError else { return }
        pendingError = nil
        schedule(.responseError(method, code: code, reason: reason))
    }

    private func allocated() {
        phase = .allocated
        demandsPort = true
        pauseEnd = nil
        link.settle()
        if let allocation { schedule(.allocated(allocation)) }
    }

    func missing(_ event: TURNEvent, _ failure: RequestFailure, _ subject: String) {
        guard phase != .closed else { return }
        schedule(event)
        if let error = TURNClientError(failure, subject) { schedule(.failed(error)) }
    }

    private func peerFailed(_ peer: TransportAddress, _ error: PeerError) {
        schedule(.peerError(peer, TURNPeerError(error)))
        let name = "ICMP \(error.icmpType)/\(error.icmpCode)"
        let code = error.maximumTransmissionUnit == nil ? NetworkError.Code.hostUnreachable : .messageTooLarge
        let fault = NetworkError(code, name: name, operation: "relay to \(peer)")
        for socket in sockets where socket.localAddress.family == peer.family { socket.onUnreachable?(peer, fault) }
    }

    /// Data may be sent again, as far as the way to the server goes.
    func writable() {
        guard phase == .allocated, core?.withholdsData == false else { return }
        for socket in sockets { socket.onWritable?() }
        onWritable?()
    }

    private func redirected(to servers: [TransportAddress], _ domain: String?) {
        if let current = link.serverAddress { askedServers[current] = platform.now }
        let family = link.serverAddress?.family
        guard let server = servers.first(where: { $0.family == family }) else {
            return end(with: .failed(TURNClientError(.badRedirect, "the server redirects to no address of its family")))
        }
        guard server.maybeTURNServer else {
            let message = "the server redirects to \(server), where no TURN server is to be expected"
            return end(with: .failed(TURNClientError(.badRedirectPort, message)))
        }
        if let asked = askedServers[server], platform.now - asked < Self.redirectMemory {
            let message = "the server redirects to \(server), which was asked already"
            return end(with: .failed(TURNClientError(.badRedirect, message)))
        }
        core = nil
        phase = .opening
        link.open(at: server, certificateName: domain)
    }

    private func lost(_ loss: AllocationLoss) {
        let error = pendingError.map { "\($0.code) \($0.reason)" }
        pendingError = nil
        end(with: .lost(TURNClientError(loss, after: error)))
        // RFC 8656 §12.3: "start afresh with a new allocation"; once, until a channel works.
        guard loss == .channelMismatch, !hasStartedAfresh else { return }
        hasStartedAfresh = true
        allocate()
    }

    private func failed(_ failure: AllocationFailure) {
        switch failure.retry {
        case .after(let pause): pauseEnd = platform.now + pause
        case .withoutPortDemands: demandsPort = false
        case .never, .overAnotherTransport, .anyTime: break
        }
        if case .unanswered(.timeout, _) = failure.cause, startAtNextAddress() { return }
        if pendingError != nil {
            // The server's own words are the one event that comes of it.
            tellPendingError()
            end(with: nil)
        } else if case .refused(let code, let reason) = failure.cause {
            end(with: .responseError(.allocate, code: code, reason: reason))
        } else {
            end(with: .failed(TURNClientError(failure.cause)))
        }
    }
}

extension TransportAddress {
    /// Whether one may be sent here by a server: as in browsers, not to what else listens on the ports below 1024.
    fileprivate var maybeTURNServer: Bool {
        let isUsual = port >= 1024 || port == 53 || port == 80 || port == 443
        return isUsual && !ip.isUnspecified && !ip.isMulticast
    }
}

import ICECore
import Logging
import NetBase

// MARK: - What the application decides

extension ICEClient {
    /// The machine's addresses that the configuration and the application let be used.
    func usableAddresses() -> [InterfaceAddress] {
        let configuration = configuration
        var addresses: [InterfaceAddress] = []
        do {
            addresses = try machineAddresses(with: configuration)
        } catch {
            logger.error("the interfaces can't be listed", metadata: ["error": "\(error)"])
        }
        if configuration.addressExposure != .all {
            let sources = defaultRouteAddresses()
            let mayUseLoopback = configuration.includesLoopback
            addresses = addresses.filter { sources.contains($0.ip) || (mayUseLoopback && $0.ip.isLoopback) }
        }
        if let port = member?.port { addresses = addresses.filter { port.serves($0.ip) } }
        if let shouldUseInterface { addresses = addresses.filter(shouldUseInterface) }
        return addresses
    }

    /// The addresses of the interfaces, and those of 127.0.0.0/8 that are asked for by name: Linux has them all, and lists one.
    private func machineAddresses(with configuration: ICEConfiguration) throws(NetworkError) -> [InterfaceAddress] {
        let listed = try platform.interfaceAddresses()
        let named = [member?.port?.configuration.addresses, configuration.localAddresses].lazy.compactMap(\.self)
            .joined()
        let unlisted = named.filter { ip in ip.isLoopback && !listed.contains { $0.ip == ip } }
        if unlisted.isEmpty { return listed }
        return listed
            + unlisted.compactMap { ip in
                guard let loopback = listed.first(where: { $0.ip.isLoopback && $0.covers(ip) }) else { return nil }
                return InterfaceAddress(
                    interface: loopback.interface, index: loopback.index, ip: ip, prefixLength: loopback.prefixLength,
                    kind: loopback.kind)
            }
    }

    /// The machine's addresses have changed, or may have.
    func networkChanged() {
        guard !isClosed, let present = try? machineAddresses(with: configuration) else { return }
        let usable = usableAddresses()
        input { $0.networkChanged(usable: usable, present: present, now: $1) }
        loseStrandedRelays(present: present)
        for relay in relays where !relay.isAttached { relay.client.networkChanged() }
    }

    /// RFC 8828 §5.2, Modes 2 to 4: the addresses that packets leave from where nothing else is asked for, one of each family.
    private func defaultRouteAddresses() -> [IPAddress] {
        Self.rootServers.compactMap { server in
            do {
                return try platform.sourceAddress(towards: server)
            } catch {
                logger.debug("no default route", metadata: ["family": "\(server.family)", "error": "\(error)"])
                return nil
            }
        }
    }

    /// Addresses of the public Internet, which are routed wherever anything is: a.root-servers.net. Nothing is sent there.
    private static let rootServers = [
        IPAddress(v4: 0xc629_0004), IPAddress(v6High: 0x2001_0503_ba3e_0000, low: 0x0002_0030),
    ]

    /// Whether the attached TURN client may be used: RFC 8828's Mode 4 has nothing leave over UDP, and candidates are for datagrams.
    var permitsAttachedRelay: Bool {
        guard let turnClient, turnClient.configuration.relayTransport == .udp else { return false }
        return configuration.addressExposure != .proxyOnly || turnClient.configuration.transport.isReliable
    }

    /// Asks the application about a candidate, tells it what is left of it, and lets that be paired.
    func convey(_ candidate: Candidate) {
        let generation = agent.generation
        var signalled = candidate
        if let rewriteLocalCandidate {
            let wanted = rewriteLocalCandidate(candidate)
            // The question may have been answered by a restart or an end.
            guard !isClosed, agent.generation == generation else { return }
            guard let kept = agent.decide(on: candidate, as: wanted) else {
                logger.debug("local candidate withheld", metadata: ["candidate": "\(candidate)"])
                return input { $0.candidateWithheld(now: $1) }
            }
            signalled = kept
        }
        dispatch(.candidate(signalled))
        // RFC 8838 §10: a candidate may be paired once it was handed out to be signalled.
        guard agent.generation == generation else { return }
        input { $0.conveyed(candidate, now: $1) }
    }
}

// MARK: - Binding

extension ICEClient {
    /// Binds a socket as the configuration wants it: its port and its DSCP.
    func bindSocket(on ip: IPAddress, with configuration: ICEConfiguration) throws(NetworkError) -> any DatagramSocket {
        if let member { return try member.makeView(on: ip) }
        let socket = try bindWithinRange(of: configuration, on: ip)
        guard let codePoint = configuration.differentiatedServicesCodePoint, codePoint < 64 else { return socket }
        do {
            // RFC 2474 §3: the upper six bits of the octet; the lower two are ECN's.
            try socket.setTypeOfService(codePoint << 2)
        } catch {
            logger.debug("no DSCP", metadata: ["error": "\(loggable(error))"])
        }
        return socket
    }

    /// A fault of a socket of this machine as a log may show it: where names stand for the machine's addresses, without those.
    func loggable(_ error: NetworkError) -> String {
        configuration.multicastDNS == .publish ? error.name : error.description
    }

    private func bindWithinRange(
        of configuration: ICEConfiguration, on ip: IPAddress
    ) throws(NetworkError) -> any DatagramSocket {
        guard let range = configuration.portRange else {
            return try platform.bindDatagramSocket(to: TransportAddress(ip, port: 0))
        }
        var fault = NetworkError(.invalidArgument, name: "EINVAL", operation: "bind \(ip) to a port of \(range)")
        for port in Self.ports(in: range, using: platform.makeRandomNumberGenerator()) {
            do throws(NetworkError) {
                return try platform.bindDatagramSocket(to: TransportAddress(ip, port: port))
            } catch {
                guard error.code == .addressInUse || error.code == .notPermitted else { throw error }
                fault = error
            }
        }
        throw fault
    }

    /// The ports to try, in the order of the attempts: a small range whole, a large one here and there.
    static func ports(in range: ClosedRange<UInt16>, using generator: any RandomNumberGenerator) -> [UInt16] {
        var generator = generator
        let usable = max(1, range.lowerBound)...max(1, range.upperBound)
        if usable.count <= bindingAttempts { return usable.shuffled(using: &generator) }
        return (0..<bindingAttempts).map { _ in UInt16.random(in: usable, using: &generator) }
    }

    private static let bindingAttempts = 64

    /// What the application is told where no socket could be bound; nil where the address has gone since it was listed, which happens.
    func bindingFault(_ error: NetworkError) -> String? {
        guard member == nil else { return tellable(error) }
        guard let range = configuration.portRange else {
            return error.code == .addressNotAvailable ? nil : tellable(error)
        }
        let advice = error.code == .addressInUse ? "widen portRange" : error.advice ?? "widen portRange"
        return "no port of \(range.lowerBound) to \(range.upperBound) could be bound (\(error.name)): \(advice)"
    }

    /// Where names stand for the machine's addresses, those are shown to nobody.
    private func tellable(_ error: NetworkError) -> String {
        guard configuration.multicastDNS == .publish else { return error.description }
        return error.advice.map { "\(error.name); \($0)" } ?? error.name
    }
}

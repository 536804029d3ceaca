import NetBase
import STUN

/// A discovery of NAT behaviour on a platform: looks the server's name up, opens the sockets, and carries their datagrams to and from
/// the core.
///
/// Where an address of the server's is silent or out of reach, the next one is asked, as a family of addresses may lead nowhere.
final class NATDiscoveryRun {
    /// It is over; never called from inside a method of this type but ``advance(to:)``.
    var onResult: ((Result<NATReport, STUNClientError>) -> Void)?

    /// ``deadline`` is another than before.
    var onDeadlineChange: (() -> Void)?

    private let platform: any Platform
    private let configuration: STUNClientConfiguration
    private let options: NATDiscoveryOptions
    private var lookUp: (any Cancellable)?
    private var servers: ArraySlice<TransportAddress> = []
    private var core: NATDiscovery?
    private var sockets: [(name: NATDiscovery.Socket, socket: any DatagramSocket)] = []
    private var localIP = IPAddress.any(.v4)
    private var sendFault: NetworkError?

    /// How many addresses of one name are asked.
    private static let serverLimit = 4

    init(platform: any Platform, configuration: STUNClientConfiguration, options: NATDiscoveryOptions) {
        self.platform = platform
        self.configuration = configuration
        self.options = options
    }

    deinit { close() }

    var deadline: Instant? { core?.deadline }

    /// Begins; what comes of it is told on a later turn.
    func start() {
        if let ip = IPAddress(configuration.host) {
            return platform.enqueue { [weak self] in self?.resolved(.success([ip])) }
        }
        do throws(NetworkError) {
            lookUp = try platform.resolve(configuration.host) { [weak self] result in self?.resolved(result) }
        } catch {
            platform.enqueue { [weak self] in self?.resolved(.failure(error)) }
        }
    }

    func advance(to now: Instant) {
        core?.advance(to: now)
        perform()
    }

    /// Lets go of everything; nothing is told any more.
    func close() {
        (onResult, onDeadlineChange) = (nil, nil)
        lookUp?.cancel()
        lookUp = nil
        release()
    }

    private func release() {
        core = nil
        for entry in sockets { entry.socket.close() }
        sockets = []
    }

    private func end(_ result: Result<NATReport, STUNClientError>) {
        let onResult = onResult
        close()
        onResult?(result)
    }
}

// MARK: - Beginning

extension NATDiscoveryRun {
    private func resolved(_ result: Result<[IPAddress], NetworkError>) {
        guard onResult != nil else { return }
        lookUp = nil
        switch result {
        case .success(let found):
            let port = configuration.endpoint.port
            servers = ordered(found).prefix(Self.serverLimit).map { TransportAddress($0.unmapped, port: port) }[...]
            let none = NetworkError(.nameNotFound, name: "ENODATA", operation: "resolve \(configuration.host)")
            beginWithNextServer(orEnd: .failure(STUNClientError(LinkError(.nameResolution, none))))
        case .failure(let error): end(.failure(STUNClientError(LinkError(.nameResolution, error))))
        }
    }

    /// The preferred family's addresses first; one family alone where the local address is of it.
    private func ordered(_ found: [IPAddress]) -> [IPAddress] {
        if let local = configuration.localAddress { return found.filter { $0.unmapped.family == local.family } }
        guard let preferred = configuration.preferredFamily else { return found }
        return found.filter { $0.family == preferred } + found.filter { $0.family != preferred }
    }

    private func beginWithNextServer(orEnd result: Result<NATReport, STUNClientError>) {
        release()
        var result = result
        while let server = servers.popFirst() {
            do throws(NetworkError) {
                return try begin(with: server)
            } catch {
                release()
                result = .failure(STUNClientError(LinkError(.connection, error)))
            }
        }
        end(result)
    }

    private func begin(with server: TransportAddress) throws(NetworkError) {
        let asked = configuration.localAddress
        localIP =
            if let ip = asked?.ip, !ip.isUnspecified { ip } else { try platform.sourceAddress(towards: server.ip) }
        sendFault = nil
        let first = try bind(.first, port: asked?.port ?? 0)
        core = NATDiscovery(
            server: server, local: first.localAddress, options: options,
            writer: NATRequestWriter(configuration, generator: platform.makeRandomNumberGenerator()), at: platform.now)
        perform()
    }

    /// Binds to an address rather than to any: what the server sees is compared with it.
    private func bind(_ name: NATDiscovery.Socket, port: UInt16 = 0) throws(NetworkError) -> any DatagramSocket {
        let socket = try platform.bindDatagramSocket(to: TransportAddress(localIP, port: port))
        sockets.append((name, socket))
        socket.onDatagram = { [weak self] bytes, source in
            guard let self else { return }
            core?.receive(bytes, from: source, on: name, at: platform.now)
            perform()
        }
        socket.onUnreachable = { [weak self] destination, error in
            guard let self else { return }
            sendFault = error
            core?.unreachable(destination, on: name, at: platform.now)
            perform()
        }
        return socket
    }
}

// MARK: - Effects

extension NATDiscoveryRun {
    private func perform() {
        while let effect = core?.nextEffect() {
            switch effect {
            case .send(let bytes, let name, let destination): send(bytes, from: name, to: destination)
            case .finished(let outcome): return conclude(outcome)
            }
        }
        onDeadlineChange?()
    }

    private func send(_ bytes: [UInt8], from name: NATDiscovery.Socket, to destination: TransportAddress) {
        do throws(NetworkError) {
            let socket =
                if let open = sockets.first(where: { $0.name == name }) { open.socket } else { try bind(name) }
            try socket.send(bytes.span, to: destination)
        } catch {
            // What does not fit into a full buffer is as good as lost on the way: it will be repeated.
            guard error.code != .wouldBlock else { return }
            sendFault = error
            core?.unreachable(destination, on: name, at: platform.now)
        }
    }

    private func conclude(_ outcome: NATDiscovery.Outcome) {
        switch outcome {
        case .report(let report) where report.publicAddress == nil: beginWithNextServer(orEnd: .success(report))
        case .report(let report): end(.success(report))
        case .unreachable:
            let fault =
                sendFault
                ?? NetworkError(.hostUnreachable, name: "EHOSTUNREACH", operation: "send to \(configuration.host)")
            beginWithNextServer(orEnd: .failure(STUNClientError(LinkError(.unreachable, fault))))
        case .refused(let error):
            end(
                .failure(
                    STUNClientError(.refused, "the server answered \(error.code) \(error.reason)")))
        case .failed(let failure): end(.failure(STUNClientError(failure)))
        }
    }
}

extension STUNClientError {
    fileprivate init(_ failure: TransactionFailure) {
        switch failure {
        case .timeout: self.init(.unreachable, "the server did not answer")
        case .malformedResponse: self.init(.malformedResponse, "the response names no address, or no error")
        case .integrityViolation:
            self.init(.integrityViolation, "the answers were not signed with the password of the request")
        case .unknownAttributes:
            self.init(.unknownAttributes, "the answer has attributes that nobody knows")
        }
    }
}

extension NATRequestWriter {
    fileprivate init(_ configuration: STUNClientConfiguration, generator: any RandomNumberGenerator) {
        let authentication: Authentication =
            switch configuration.authentication {
            case .none: .none
            case .shortTerm(let username, let password, let algorithm):
                .shortTerm(username: username, IntegrityKey(shortTermPassword: password), algorithm)
            case .longTerm(let username, let password):
                .longTerm(LongTermAuthenticator(username: username, password: password))
            }
        self.init(
            authentication: authentication, software: configuration.software,
            usesFingerprint: configuration.usesFingerprint, generator: generator)
    }
}

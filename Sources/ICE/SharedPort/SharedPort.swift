import ICECore
public import NetBase
import STUN
public import UV

/// A UDP port of a loop that any number of ICE clients share, so that a server needs one open port for all of its calls.
///
/// A check finds its client by the username fragment in it, data by the address that an authentic check came from. The clients work as
/// they do with ports of their own, except that each has one component, and that a peer's address belongs to the first client that has a
/// call with it: another client's pair with the same address fails with ``PairFailure/Code/addressTaken``, unless the first one has not
/// heard of its peer for some seconds. A full client without consent checks (``ICEConfiguration/consentInterval``) does not notice that.
///
/// ```swift
/// let port = try SharedPort(loop: loop, configuration: SharedPortConfiguration(port: 3478))
/// let passwords = ["room": secret]
/// var calls: [String: ICEClient] = [:]
/// port.onUnknownUsername = { check in
///     guard let password = passwords[check.usernameFragment],
///         let credentials = try? Credentials(usernameFragment: check.usernameFragment, password: password)
///     else { return }
///     var configuration = ICEConfiguration(role: .controlled)
///     configuration.isLite = true
///     configuration.localCredentials = credentials
///     configuration.acceptsUnsignalledPeer = true
///     guard let client = try? ICEClient(port: port, configuration: configuration) else { return }
///     client.gatherCandidates()
///     client.processCandidates()
///     calls[check.usernameFragment] = client
/// }
/// ```
///
/// TURN servers know one allocation for a five-tuple: the first client that asks a server over UDP does so from the port, others from
/// sockets of their own. All methods are called on the loop's thread.
public final class SharedPort {
    /// A check asks for a client that is not there; as often as the configuration allows.
    ///
    /// The check is not verified. If the closure makes a client with that username fragment and lets it gather, the check is handed to it
    /// afterwards, so that no time is lost.
    public var onUnknownUsername: ((UnknownUsername) -> Void)?

    /// What the port was opened with.
    public let configuration: SharedPortConfiguration

    let platform: any Platform
    var counted = SharedPortStatistics()
    private var sockets: [SharedSocket] = []
    private var listeners: [SharedListener] = []
    private var members: [String: PortMember] = [:]
    private var limit: StrangerLimit
    private(set) var isClosed = false

    /// Opens the port.
    ///
    /// - Throws: `NetworkError` where an address is not this machine's, or the port is taken on one.
    public convenience init(
        loop: EventLoop, configuration: SharedPortConfiguration = SharedPortConfiguration()
    ) throws(NetworkError) {
        try self.init(platform: UVPlatform(loop), configuration: configuration)
    }

    /// A port on any platform: a loop's, or a simulated host's.
    package init(platform: any Platform, configuration: SharedPortConfiguration) throws(NetworkError) {
        self.platform = platform
        self.configuration = configuration
        var generator = platform.makeRandomNumberGenerator()
        limit = StrangerLimit(
            perSecond: configuration.unknownUsernamesPerSecond, using: &generator, at: platform.now)
        do throws(NetworkError) {
            try openAll()
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// The addresses that the port is open on.
    public var localAddresses: [TransportAddress] { sockets.map(\.localAddress) }

    /// How much has happened so far.
    public var statistics: SharedPortStatistics {
        var statistics = counted
        let clients = members.lazy.filter { $0.value.names.first == $0.key }.map(\.value)
        statistics.clients = clients.count
        guard counted.connections > 0 else { return statistics }
        // Of the connections it is known how they came and what they became; the rest has ended.
        let waiting = listeners.reduce(0) { $0 + $1.waitingCount } + clients.reduce(0) { $0 + $1.waitingCount }
        let known = counted.identifiedConnections + counted.unwantedConnections + UInt64(waiting)
        statistics.unidentifiedConnections = counted.connections - min(known, counted.connections)
        return statistics
    }

    /// Closes the sockets and drops the closure. Close the clients first: those that are still open can't send any more, and lose their
    /// peers' consent.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        closeSockets()
        let dropped = onUnknownUsername
        onUnknownUsername = nil
        withExtendedLifetime(dropped) {}
    }

    // MARK: Sockets

    /// Whether clients may gather on an address.
    func serves(_ ip: IPAddress) -> Bool {
        if let named = configuration.addresses { return named.contains(ip) }
        return ip.isLoopback ? configuration.includesLoopback : !ip.isLinkLocal
    }

    /// Whether clients gather on loopback addresses, as whoever opens a port there wants them to.
    var servesLoopback: Bool {
        configuration.addresses?.contains(where: \.isLoopback) ?? configuration.includesLoopback
    }

    /// The socket on an address; one that has come since the port was opened is opened now.
    func socket(on ip: IPAddress) throws(NetworkError) -> SharedSocket {
        guard !isClosed else {
            throw NetworkError(.closed, name: "EBADF", operation: "open \(ip) on a closed shared port")
        }
        if let known = sockets.first(where: { $0.localAddress.ip == ip }) { return known }
        return try open(on: ip)
    }

    /// Where the system chooses the port, another address may have it taken: then it chooses again.
    private func openAll() throws(NetworkError) {
        let addresses: [IPAddress]
        if let wanted = configuration.addresses {
            addresses = wanted
        } else {
            addresses = try platform.interfaceAddresses().map(\.ip).filter(serves)
        }
        guard !addresses.contains(where: \.isUnspecified) else {
            throw NetworkError(
                .invalidArgument, name: "EINVAL",
                operation: "open a shared port on an address that stands for all: name them, or none")
        }
        for attempt in 1...Self.attempts {
            do throws(NetworkError) {
                for ip in addresses { _ = try socket(on: ip) }
                return
            } catch {
                guard error.code == .addressInUse, configuration.port == 0, attempt < Self.attempts else { throw error }
                closeSockets()
            }
        }
    }

    private func closeSockets() {
        for socket in sockets { socket.close() }
        for listener in listeners { listener.close() }
        (sockets, listeners) = ([], [])
    }

    private static let attempts = 8

    /// Gives the system back what is open on addresses that are gone, as IPv6 addresses that last for a day are.
    private func closeForsaken() {
        guard configuration.addresses == nil, let present = try? platform.interfaceAddresses().map(\.ip) else { return }
        let forsaken = sockets.filter { !$0.hasViews && !present.contains($0.localAddress.ip) }
        guard !forsaken.isEmpty else { return }
        for socket in forsaken { socket.close() }
        sockets.removeAll(where: \.isClosed)
        let isForsaken = { (listener: SharedListener) in
            forsaken.contains { $0.localAddress == listener.localAddress }
        }
        for listener in listeners where isForsaken(listener) { listener.close() }
        listeners.removeAll(where: isForsaken)
    }

    private func open(on ip: IPAddress) throws(NetworkError) -> SharedSocket {
        let address = TransportAddress(ip, port: sockets.first?.localAddress.port ?? configuration.port)
        let bound =
            configuration.isCommonToLoops
            ? try platform.bindCommonDatagramSocket(to: address) : try platform.bindDatagramSocket(to: address)
        do throws(NetworkError) {
            try bound.growBuffers(receive: configuration.receiveBufferSize, send: configuration.sendBufferSize)
            if let codePoint = configuration.differentiatedServicesCodePoint, codePoint < 64 {
                try bound.setTypeOfService(codePoint << 2)
            }
        } catch {
            bound.close()
            throw error
        }
        if configuration.takesConnections {
            do throws(NetworkError) {
                listeners.append(try SharedListener(at: bound.localAddress, of: self, on: platform))
            } catch {
                bound.close()
                throw error
            }
        }
        closeForsaken()
        let socket = SharedSocket(bound, of: self, on: platform)
        sockets.append(socket)
        return socket
    }

    /// Where connections to an address are taken.
    func listener(on ip: IPAddress) throws(NetworkError) -> SharedListener {
        _ = try socket(on: ip)
        guard let listener = listeners.first(where: { $0.localAddress.ip == ip }) else {
            throw NetworkError(
                .notConnected, name: "ENOTSUP",
                operation: "take connections on a shared port whose configuration has no takesConnections")
        }
        return listener
    }

    // MARK: Clients

    func member(named name: String) -> PortMember? { members[name] }

    func enter(_ member: PortMember, as name: String) -> Bool {
        guard !isClosed, members[name] == nil else { return false }
        members[name] = member
        return true
    }

    func leave(as name: String) { members[name] = nil }

    // MARK: Strangers

    /// Tells the application of a check for a client that is not there; whether it was told.
    func introduce(
        _ name: String, _ bytes: Span<UInt8>, from source: TransportAddress, to localAddress: TransportAddress
    ) -> Bool {
        guard STUNEnvelope.hasFingerprint(bytes) else {
            counted.foreignDatagrams += 1
            return false
        }
        guard let onUnknownUsername, limit.allows(source.ip, at: platform.now) else {
            counted.droppedUnknownUsernames += 1
            return false
        }
        guard let check = try? CheckView(parsing: bytes), check.method == .binding else {
            counted.foreignDatagrams += 1
            return false
        }
        counted.unknownUsernames += 1
        onUnknownUsername(
            UnknownUsername(
                usernameFragment: name, remoteUsernameFragment: check.remoteUsernameFragment(in: bytes), source: source,
                localAddress: localAddress))
        return true
    }
}

import MDNS
import NetBase

/// Looks up and answers for the names of all clients of a platform, over one socket for each address family.
///
/// Whoever looks up or publishes a name holds it; when the last one has let go, the sockets close. Sockets and core know nothing of clients:
/// results go to the look-ups that wait for them, on a later turn.
final class MDNSResponder {
    private let platform: any Platform
    private var core = MDNSCore()
    private var sockets: [any MulticastSocket] = []
    private var alarm: (any Alarm)?
    private var alarmTime: Instant?
    private var watch: (any Cancellable)?
    private var addresses: [InterfaceAddress] = []
    private var waiting: [WeakLookUp] = []

    private struct WeakLookUp {
        weak var lookUp: MulticastLookUp?
    }

    /// The responder of a platform, made if there is none.
    ///
    /// - Throws: ``NetworkError`` where no family has a socket for it.
    static func shared(on platform: any Platform) throws(NetworkError) -> MDNSResponder {
        if let known = platform.sharedResponder as? MDNSResponder { return known }
        let responder = try MDNSResponder(on: platform)
        platform.sharedResponder = responder
        return responder
    }

    private init(on platform: any Platform) throws(NetworkError) {
        self.platform = platform
        var fault: NetworkError?
        for family in IPAddress.Family.allCases {
            do throws(NetworkError) {
                sockets.append(try platform.bindMulticastSocket(to: MDNSCore.group(family)))
            } catch {
                fault = fault ?? error
            }
        }
        if sockets.isEmpty, let fault { throw fault }
        for socket in sockets {
            socket.onDatagram = { [weak self] bytes, source in self?.receive(bytes, from: source) }
        }
        alarm = platform.makeAlarm { [weak self] in self?.alarmFired() }
        addresses = (try? platform.interfaceAddresses()) ?? []
        watch = try? platform.watchInterfaces { [weak self] in self?.interfacesChanged() }
    }

    deinit {
        for socket in sockets { socket.close() }
        alarm?.close()
        watch?.cancel()
    }

    // MARK: In

    /// Looks up a name; the result is told on a later turn, unless the look-up is cancelled before.
    func resolve(
        _ name: MulticastName, for client: ObjectIdentifier,
        onResult: @escaping (Result<IPAddress, MDNSFailure>) -> Void
    ) -> MulticastLookUp {
        let id = MDNSCore.ClientID(Int(bitPattern: UInt(bitPattern: client)))
        let lookUp = MulticastLookUp(name, for: id, by: self, onResult)
        waiting.append(WeakLookUp(lookUp: lookUp))
        input { $0.resolve(name, for: id, at: $1) }
        return lookUp
    }

    func cancel(_ lookUp: MulticastLookUp) {
        waiting.removeAll { $0.lookUp == nil || $0.lookUp === lookUp }
        let isShared = waiting.contains { $0.lookUp?.name == lookUp.name && $0.lookUp?.client == lookUp.client }
        if !isShared { input { core, _ in core.cancel(lookUp.name, for: lookUp.client) } }
    }

    /// Answers for a name until the publication is cancelled or let go.
    func publish(_ name: MulticastName, _ ip: IPAddress) -> MulticastPublication {
        input { $0.publish(name, ip, at: $1) }
        return MulticastPublication(name, by: self)
    }

    func unpublish(_ name: MulticastName) { input { core, _ in core.unpublish(name) } }

    private func receive(_ bytes: Span<UInt8>, from source: TransportAddress) {
        input { $0.receive(bytes, from: source, isOnLink: isOnLink(source.ip), at: $1) }
    }

    /// RFC 6762 §11: "if the IP address of the sender is on the same local link".
    private func isOnLink(_ ip: IPAddress) -> Bool {
        ip.isLinkLocal || ip.isLoopback || addresses.contains { $0.covers(ip) }
    }

    private func alarmFired() {
        alarmTime = nil
        input { $0.advance(to: $1) }
    }

    private func interfacesChanged() {
        let before = addresses
        addresses = (try? platform.interfaceAddresses()) ?? []
        for socket in sockets { socket.refreshInterfaces() }
        if addresses != before { input { $0.announceAgain(at: $1) } }
    }

    // MARK: Out

    private func input(_ body: (inout MDNSCore, Instant) -> Void) {
        body(&core, platform.now)
        while let effect = core.nextEffect() {
            switch effect {
            case .multicast(let bytes): for socket in sockets { socket.sendToGroup(bytes.span) }
            case .unicast(let bytes, let destination):
                for socket in sockets where socket.family == destination.family {
                    socket.send(bytes.span, to: destination)
                }
            case .resolved(let name, let ip): deliver(.success(ip), of: name)
            case .failed(let name, let failure): deliver(.failure(failure), of: name)
            }
        }
        setAlarm()
    }

    private func deliver(_ result: Result<IPAddress, MDNSFailure>, of name: MulticastName) {
        let lookUps = waiting.compactMap(\.lookUp).filter { $0.name == name }
        waiting.removeAll { $0.lookUp == nil || $0.lookUp?.name == name }
        for lookUp in lookUps {
            platform.enqueue { [weak lookUp] in lookUp?.finish(with: result) }
        }
    }

    private func setAlarm() {
        let deadline = core.deadline
        guard deadline != alarmTime else { return }
        alarmTime = deadline
        if let deadline { alarm?.set(for: deadline) } else { alarm?.cancel() }
    }
}

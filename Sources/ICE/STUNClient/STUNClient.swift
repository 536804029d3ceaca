import DequeModule
package import Logging
public import NetBase
public import STUN
import TLS

/// A server's answer to a Binding request.
public struct STUNResponse: Hashable, Sendable {
    /// The message as it came.
    public let message: STUNMessage

    /// Our address as the server sees it, in front of all NATs.
    public let reflexiveAddress: TransportAddress

    /// The time from request to response; nil where the request was repeated, so that it is unknown which one was answered.
    public let roundTripTime: Duration?
}

/// Asks a STUN server which address it is reached from (RFC 8489).
///
/// The client lives on an event loop. Its methods are called on the loop's thread and only start work; what comes of it arrives as
/// events on a later turn of the loop, and none after ``close()``.
///
/// ```swift
/// let client = try STUNClient(loop: loop, configuration: STUNClientConfiguration(host: "stun.example.org"))
/// client.onResponse = { response in print("we are \(response.reflexiveAddress)") }
/// client.onTimeout = { _ in print("no answer") }
/// client.onError = { error in print(error) }
/// client.sendRequest()
/// ```
///
/// Several requests may be in flight; ten at most are, the others wait. The socket or connection stays open until ``close()``.
public final class STUNClient {
    /// A request is about to be sent: attributes may be added. Integrity and fingerprint are put behind them afterwards.
    public var onBeforeSend: ((inout STUNMessage) -> Void)?

    /// A success response came.
    public var onResponse: ((STUNResponse) -> Void)?

    /// An error response came, with its code and reason.
    public var onResponseError: ((Int, String) -> Void)?

    /// A request was not answered in time.
    public var onTimeout: ((STUNTransactionID) -> Void)?

    /// A request failed for another reason.
    public var onError: ((STUNClientError) -> Void)?

    /// Something came that answers no request in flight.
    public var onUnknownMessage: (([UInt8]) -> Void)?

    /// What the client was made with.
    public let configuration: STUNClientConfiguration

    let platform: any Platform
    private let logger: Logger
    private let link: ServerLink
    private var core: STUNClientCore
    private var alarm: (any Alarm)?
    private var requested: Deque<STUNTransactionID> = []
    private var isFlushDue = false
    private(set) var isClosed = false

    /// How often everything was forgotten: what belongs to an earlier time is dropped.
    private(set) var epoch = 0

    /// The discovery of NAT behaviour that runs.
    var discovery: NATDiscoveryRun?

    /// A client on any platform: a loop's, or a simulated host's.
    package init(
        platform: any Platform, configuration: STUNClientConfiguration, logger: Logger? = nil
    ) throws(STUNClientError) {
        guard !configuration.host.isEmpty else {
            throw STUNClientError(.invalidConfiguration, "the host is empty: name the server")
        }
        self.configuration = configuration
        self.platform = platform
        self.logger = logger ?? .silent
        do throws(TLSError) {
            link = try ServerLink(platform: platform, endpoint: configuration.endpoint)
        } catch {
            throw STUNClientError(.invalidConfiguration, "\(error)")
        }
        core = STUNClientCore(configuration, generator: platform.makeRandomNumberGenerator())
        alarm = platform.makeAlarm { [weak self] in self?.alarmFired() }
        listen()
    }

    deinit {
        alarm?.close()
        link.close()
    }

    /// Asks the server; the ID comes back with what becomes of it, but not inside the response where long-term credentials made the
    /// message go out anew under another.
    @discardableResult
    public func sendRequest() -> STUNTransactionID {
        var generator = platform.makeRandomNumberGenerator()
        let id = STUNTransactionID(using: &generator)
        guard !isClosed else { return id }
        requested.append(id)
        if !isFlushDue {
            isFlushDue = true
            platform.enqueue { [weak self] in self?.flush() }
        }
        return id
    }

    /// Forgets all requests, and a discovery of NAT behaviour; no event tells of them any more.
    public func clear() {
        epoch += 1
        requested.removeAll()
        core.clear()
        discovery?.close()
        discovery = nil
        setAlarm()
    }

    /// Ends everything and frees the socket. No event fires after it; calling it again does nothing.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        clear()
        link.close()
        alarm?.close()
        alarm = nil
        // Closures may own what owns this client.
        (onBeforeSend, onResponse, onResponseError, onTimeout, onError, onUnknownMessage) = (
            nil, nil, nil, nil, nil, nil
        )
    }
}

// MARK: - Driving

extension STUNClient {
    private func listen() {
        link.onOpen = { [weak self] server in
            self?.core.turn(to: server.ip)
            self?.launch()
        }
        link.onFrame = { [weak self] _, bytes in
            guard let self else { return }
            core.receive(bytes, at: platform.now)
            perform()
        }
        link.onStray = { [weak self] bytes in self?.onUnknownMessage?(bytes) }
        link.onDeadlineChange = { [weak self] in self?.setAlarm() }
        link.onFailure = { [weak self] error in self?.failAll(STUNClientError(error)) }
    }

    private func flush() {
        isFlushDue = false
        guard !isClosed, !requested.isEmpty else { return }
        if link.isOpen {
            launch()
        } else {
            link.open()
            setAlarm()
        }
    }

    /// Makes the requests that were asked for, and sends them.
    private func launch() {
        while link.isOpen, let id = requested.popFirst() {
            let epoch = epoch
            var request = configuration.makeRequest(id)
            onBeforeSend?(&request)
            guard epoch == self.epoch else { break }
            if !core.start(request, at: platform.now) {
                fail(
                    STUNClientError(
                        .tooManyRequests, "too many requests wait already; wait for answers, or clear()",
                        transactionID: id))
            }
            perform()
        }
        setAlarm()
    }

    private func alarmFired() {
        let now = platform.now
        link.advance(to: now)
        core.advance(to: now)
        perform()
        // A user may have closed the client in the events before.
        discovery?.advance(to: now)
    }

    func setAlarm() {
        let deadline = [core.deadline, link.deadline, discovery?.deadline].compactMap { $0 }.min()
        if let deadline { alarm?.set(for: deadline) } else { alarm?.cancel() }
    }

    private func perform() {
        // Taken out one by one, so that a user's closure may call anything.
        while let effect = core.nextEffect() { perform(effect) }
        setAlarm()
    }

    private func perform(_ effect: STUNClientCore.Effect) {
        switch effect {
        case .send(let bytes, let id): send(bytes, id)
        case .response(let message, let roundTripTime): report(message, roundTripTime)
        case .errorResponse(_, let error):
            logger.debug("error response", metadata: ["code": "\(error.code)", "reason": "\(error.reason)"])
            onResponseError?(error.code, error.reason)
        case .failed(let id, let failure, let unauthenticated):
            if let error = STUNClientError(failure, of: id, unauthenticated: unauthenticated) {
                fail(error)
            } else {
                timedOut(id)
            }
        case .unknown(let bytes): onUnknownMessage?(bytes)
        }
    }

    private func send(_ bytes: [UInt8], _ id: STUNTransactionID) {
        do throws(NetworkError) {
            try link.send(bytes)
        } catch {
            // A datagram that does not fit into a full buffer is as good as lost on the way: it will be repeated.
            if error.code == .wouldBlock, !configuration.transport.isReliable { return }
            core.abandon(id, at: platform.now)
            fail(STUNClientError(.sendFailed, "\(error)", networkError: error, transactionID: id))
        }
    }

    private func report(_ message: STUNMessage, _ roundTripTime: Duration?) {
        let address =
            message[STUNMessage.XORMappedAddress.self]?.address ?? message[STUNMessage.MappedAddress.self]?.address
        guard let address else {
            let id = message.transactionID
            fail(
                STUNClientError(
                    .malformedResponse, "the response names no address; ask another server", transactionID: id))
            return
        }
        logger.debug("response", metadata: ["address": "\(address)"])
        onResponse?(STUNResponse(message: message, reflexiveAddress: address, roundTripTime: roundTripTime))
    }

    private func timedOut(_ id: STUNTransactionID) {
        // "if a transaction fails because an idle TCP connection doesn't work anymore, the client SHOULD send a RST and try to open
        // a new TCP connection" (RFC 8489 §6.2.2).
        if configuration.transport.isReliable, core.outstandingCount == 0 { link.reset() }
        logger.debug("no answer in time", metadata: ["server": "\(configuration.host)"])
        onTimeout?(id)
    }

    private func fail(_ error: STUNClientError) {
        logger.debug("no response", metadata: ["error": "\(error)"])
        onError?(error)
    }

    private func failAll(_ error: STUNClientError) {
        let ids = core.clear() + requested
        requested.removeAll()
        setAlarm()
        let epoch = epoch
        for id in ids {
            guard epoch == self.epoch else { return }
            fail(error.of(id))
        }
    }
}

// MARK: - What the configuration says

extension STUNClientCore {
    fileprivate init(_ configuration: STUNClientConfiguration, generator: any RandomNumberGenerator) {
        var key: IntegrityKey?
        var algorithm = IntegrityAlgorithm.sha1
        var longTerm: LongTermAuthenticator?
        switch configuration.authentication {
        case .none: break
        case .shortTerm(_, let password, let chosen):
            key = IntegrityKey(shortTermPassword: password)
            algorithm = chosen
        case .longTerm(let username, let password):
            longTerm = LongTermAuthenticator(username: username, password: password)
        }
        // The server's address is not known before its name is looked up.
        self.init(
            server: .any(.v4), schedule: configuration.retransmission, isReliable: configuration.transport.isReliable,
            key: key, algorithm: algorithm, usesFingerprint: configuration.usesFingerprint, longTerm: longTerm,
            generator: generator)
    }
}

extension STUNClientConfiguration {
    fileprivate func makeRequest(_ id: STUNTransactionID) -> STUNMessage {
        var request = STUNMessage(.request, .binding, transactionID: id)
        if let software { request.append(STUNMessage.Software(software)) }
        if case .shortTerm(let username, _, _) = authentication { request.append(STUNMessage.Username(username)) }
        return request
    }
}

public import ICE
import NetBase
public import UV

#if canImport(CNATPMP)
    /// Maps ports on the router in front of this machine with NAT-PMP (RFC 6886), by libnatpmp.
    ///
    /// ```swift
    /// let mapper = NATPMPClient(loop: loop)
    /// client.portMapper = mapper
    /// client.gatherCandidates()
    /// ```
    ///
    /// It serves any number of clients of its loop. A mapping is renewed when half of its lifetime is over, made anew where the router says
    /// that it has begun anew or the default route leads to another one, and removed when nobody wants it any more. Sockets are
    /// open, and keep the loop running, only while there is something to map. IPv4 alone is mapped, and that from the address that leads
    /// to the router.
    ///
    /// All methods are called on the loop's thread, and all answers come there, on a later turn.
    public final class NATPMPClient: PortMapper {
        private let loop: EventLoop
        private let chosenGateway: IPAddress?
        private let lifetime: Duration
        private var requests: [MappingRequest] = []
        private var session: GatewaySession?

        /// RFC 6886 §3.3: "The RECOMMENDED Port Mapping Lifetime is 7200 seconds (two hours)."
        public static let recommendedLifetime = Duration.seconds(7200)

        /// A client that asks the router of the default route; nothing is opened or sent before a mapping is asked for.
        ///
        /// - Parameters:
        ///   - loop: Where it lives.
        ///   - gateway: Another router to ask, an IPv4 address.
        ///   - lifetime: How long mappings are to hold, in whole seconds; the router may grant less.
        public init(
            loop: EventLoop, gateway: IPAddress? = nil, lifetime: Duration = NATPMPClient.recommendedLifetime
        ) {
            self.loop = loop
            chosenGateway = gateway
            self.lifetime = lifetime
        }

        deinit { close() }

        /// Asks for a mapping of a UDP port; see `PortMapper` of the module ICE.
        public func mapPort(
            of local: TransportAddress, onChange: @escaping (Result<TransportAddress, PortMappingError>) -> Void
        ) -> (any PortMapping)? {
            guard local.family == .v4, local.port != 0, !loop.isClosed else { return nil }
            // A loopback address is the machine's own business.
            guard !local.ip.isLoopback || chosenGateway?.isLoopback == true else { return nil }
            let request = MappingRequest(local, client: self, onChange)
            requests.append(request)
            review()
            return request
        }

        /// Removes all mappings, with one request each that is not repeated, and closes what is open. Nobody is told. The next
        /// ``mapPort(of:onChange:)`` opens anew.
        ///
        /// Call it before a program ends: closing its ICE clients removes their mappings one after the other, for as long as the loop
        /// runs.
        public func close() {
            for request in requests { request.forget() }
            requests = []
            session?.close()
            session = nil
        }

        fileprivate func end(_ request: MappingRequest) {
            requests.removeAll { $0 === request }
            review()
        }

        /// Brings the gateway in line with what is asked for, and tells what has come of it.
        private func review() {
            if session == nil, !requests.isEmpty {
                session = GatewaySession(on: loop, gateway: chosenGateway, lifetime: lifetime) { [weak self] in
                    self?.review()
                }
            }
            guard let session else { return }
            session.want(requests.map(\.local))
            for request in requests { request.update(session.result(of: request.local), on: loop) }
            if requests.isEmpty, session.isIdle {
                session.close()
                self.session = nil
            }
        }
    }

    /// What one asker is told of a port.
    private final class MappingRequest: PortMapping {
        let local: TransportAddress
        private weak var client: NATPMPClient?
        private var onChange: ((Result<TransportAddress, PortMappingError>) -> Void)?
        private var told: Result<TransportAddress, PortMappingError>?

        private static let lost = PortMappingError(.noGateway, "the gateway is another one now")

        private var isMapped: Bool {
            if case .success = told { true } else { false }
        }

        init(
            _ local: TransportAddress, client: NATPMPClient,
            _ onChange: @escaping (Result<TransportAddress, PortMappingError>) -> Void
        ) {
            self.local = local
            self.client = client
            self.onChange = onChange
        }

        func close() {
            guard onChange != nil else { return }
            forget()
            client?.end(self)
        }

        func forget() { onChange = nil }

        func update(_ result: Result<TransportAddress, PortMappingError>?, on loop: EventLoop) {
            // What is not known any more is known to another gateway alone, if at all.
            guard let result = result ?? (isMapped ? .failure(Self.lost) : nil), result != told else { return }
            told = result
            loop.enqueue { [weak self] in
                // Of what has changed since, the last word alone is told.
                guard let self, told == result else { return }
                onChange?(result)
            }
        }
    }
#else
    /// Maps ports with NAT-PMP where libnatpmp is installed; here it was not when this package was built.
    @available(
        *, unavailable,
        message:
            "libnatpmp is not there: install it (Debian: libnatpmp-dev), then `swift package clean` and build again"
    )
    public final class NATPMPClient {
        /// Is not available.
        public init(loop: EventLoop, gateway: IPAddress? = nil, lifetime: Duration = .seconds(7200)) {}
    }
#endif

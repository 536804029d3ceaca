#if canImport(CNATPMP)
    import ICE
    import NetBase
    import UV

    /// What is open while ports are mapped: the way to the gateway of the moment, and the watch for another one.
    final class GatewaySession {
        private let loop: EventLoop
        private let chosenGateway: IPAddress?
        private let lifetime: Duration
        private let onChange: () -> Void
        private let timer: Timer
        private var monitor: NetworkMonitor?
        private var announcements: Announcements?
        private var gateway: IPAddress?
        private var link: GatewayLink?
        private var fault = PortMappingError(.noGateway, "there is no default route")
        private var table: LeaseTable
        private var generator = SystemRandomNumberGenerator()

        /// - Parameter onChange: Called on a later turn, when results may have changed.
        init(on loop: EventLoop, gateway: IPAddress?, lifetime: Duration, onChange: @escaping () -> Void) {
            self.loop = loop
            chosenGateway = gateway
            self.lifetime = lifetime
            self.onChange = onChange
            table = LeaseTable(lifetime: lifetime)
            timer = Timer(on: loop)
            timer.onFire = { [weak self] in self?.timeIsUp() }
            // Without these the mappings are made all the same, and renewed in time.
            monitor = try? NetworkMonitor(on: loop) { [weak self] _ in self?.networkChanged() }
            announcements = try? Announcements(on: loop) { [weak self] response, source in
                self?.take(announcement: response, from: source)
            }
            open(to: presentGateway)
        }

        deinit { close() }

        /// Removes what is mapped, without waiting for answers.
        func close() {
            for request in table.takeFarewell() { _ = link?.send(request) }
            link?.close()
            link = nil
            timer.close()
            monitor?.close()
            announcements?.close()
        }

        /// Whether nothing is mapped and nothing is under way.
        var isIdle: Bool { table.isIdle || link == nil }

        /// Maps the ports of these addresses and no others.
        func want(_ addresses: [TransportAddress]) {
            table.want(addresses.filter(isServed).map(\.port), at: loop.now)
            proceed()
        }

        func result(of local: TransportAddress) -> Result<TransportAddress, PortMappingError>? {
            guard let link else { return .failure(fault) }
            guard isServed(local) else {
                let text = "the gateway is reached from \(link.source), and not from \(local.ip)"
                return .failure(PortMappingError(.noGateway, text))
            }
            return table.result(of: local.port)
        }

        /// The gateway maps to the address that it is asked from.
        private func isServed(_ local: TransportAddress) -> Bool {
            local.ip == link?.source || (link != nil && local.ip.isUnspecified)
        }

        // MARK: The gateway

        private var presentGateway: IPAddress? {
            chosenGateway ?? monitor?.snapshot.defaultRoute(.v4)?.gateway
        }

        private func open(to gateway: IPAddress?) {
            self.gateway = gateway
            do throws(PortMappingError) {
                let link = try GatewayLink(on: loop, gateway: gateway)
                link.onAnswer = { [weak self] in self?.take($0) }
                self.link = link
            } catch {
                fault = error
            }
        }

        private func networkChanged() {
            let gateway = presentGateway
            let source = gateway.flatMap { try? NetworkInterfaces.sourceAddress(towards: $0) }
            guard gateway != self.gateway || source != link?.source else { return }
            // What the gateway before still maps, it forgets by itself: it can't be reached from here any more.
            link?.close()
            link = nil
            table = LeaseTable(lifetime: lifetime)
            open(to: gateway)
            onChange()
        }

        // MARK: Questions and answers

        private func proceed() {
            table.advance(to: loop.now)
            while let link, let request = table.nextRequest(at: loop.now) {
                guard let error = link.send(request) else { break }
                table.fail(error, at: loop.now)
            }
            if link != nil, let deadline = table.deadline { timer.start(at: deadline) } else { timer.stop() }
        }

        private func timeIsUp() {
            proceed()
            onChange()
        }

        private func take(_ answer: Result<GatewayResponse, PortMappingError>) {
            switch answer {
            case .success(let response):
                if let request = table.receive(response, at: loop.now, using: &generator),
                    let error = link?.send(request)
                {
                    table.fail(error, at: loop.now)
                }
            case .failure(let error): table.fail(error, at: loop.now)
            }
            proceed()
            onChange()
        }

        private func take(announcement: GatewayResponse, from source: IPAddress) {
            guard let gateway, source == gateway else { return }
            table.receive(announcement: announcement, at: loop.now, using: &generator)
            proceed()
            onChange()
        }
    }
#endif

#if canImport(CNATPMP)
    import CNATPMP
    import ICE
    import NetBase
    import UV

    /// libnatpmp on a loop: asks one gateway one question at a time, and repeats it as RFC 6886 §3.1 says: after 250 ms, then ever twice as
    /// late, nine times in all.
    @safe
    final class GatewayLink {
        /// The address that the gateway sees this machine at.
        let source: IPAddress
        /// What came of the last question, or what came besides.
        var onAnswer: ((Result<GatewayResponse, PortMappingError>) -> Void)?

        // Allocated once, and freed when the descriptor is watched no longer.
        private let memory: UnsafeMutablePointer<natpmp_t>
        private let watch: DescriptorWatch
        private let repetition: Timer
        private var isOpen = true

        /// Opens a socket to a gateway, or to that of the default route; nothing is sent yet.
        init(on loop: EventLoop, gateway: IPAddress?) throws(PortMappingError) {
            let memory = UnsafeMutablePointer<natpmp_t>.allocate(capacity: 1)
            // In network byte order.
            let address = (gateway?.bytes ?? []).reversed().reduce(in_addr_t(0)) { $0 << 8 | in_addr_t($1) }
            let status = unsafe initnatpmp(memory, gateway == nil ? 0 : 1, address)
            guard status == 0 else {
                // After the first of its steps libnatpmp leaves the socket open where it fails.
                if status != NATPMP_ERR_SOCKETERROR { unsafe closenatpmp(memory) }
                unsafe memory.deallocate()
                throw PortMappingError(status: status)
            }
            do {
                let reached = unsafe IPAddress(v4: in_addr_t(bigEndian: memory.pointee.gateway))
                source = try NetworkInterfaces.sourceAddress(towards: reached)
                watch = try unsafe DescriptorWatch(on: loop, fileDescriptor: memory.pointee.s)
            } catch {
                unsafe closenatpmp(memory)
                unsafe memory.deallocate()
                throw PortMappingError(.noGateway, "there is no way to the gateway: \(error)")
            }
            unsafe self.memory = memory
            repetition = Timer(on: loop)
            watch.onReadable = { [weak self] in self?.read() }
            repetition.onFire = { [weak self] in self?.read() }
        }

        deinit { close() }

        /// Asks. A question that was not answered yet is given up for it.
        ///
        /// - Returns: Why it can't be asked; ``onAnswer`` is not called then.
        func send(_ request: GatewayRequest) -> PortMappingError? {
            guard isOpen else { return nil }
            let status =
                switch request {
                case .externalAddress: unsafe sendpublicaddressrequest(memory)
                case .map(let port, let suggested, let seconds):
                    unsafe sendnewportmappingrequest(memory, NATPMP_PROTOCOL_UDP, port, suggested, seconds)
                case .unmap(let port): unsafe sendnewportmappingrequest(memory, NATPMP_PROTOCOL_UDP, port, 0, 0)
                }
            // What the system does not take is repeated like what is lost.
            guard status >= 0 || status == NATPMP_ERR_SENDERR else { return PortMappingError(status: status) }
            watch.start()
            setTimer()
            return nil
        }

        func close() {
            guard isOpen else { return }
            isOpen = false
            onAnswer = nil
            repetition.close()
            watch.close()
            unsafe closenatpmp(memory)
            unsafe memory.deallocate()
        }

        private func setTimer() {
            var timeout = timeval()
            guard unsafe getnatpmprequesttimeout(memory, &timeout) == 0 else { return }
            let left = Duration.seconds(Int64(timeout.tv_sec)) + .microseconds(Int64(timeout.tv_usec))
            repetition.start(after: max(left, .zero) + .milliseconds(1))
        }

        private func read() {
            guard isOpen else { return }
            var response = natpmpresp_t()
            let status = unsafe readnatpmpresponseorretry(memory, &response)
            switch status {
            case NATPMP_TRYAGAIN, NATPMP_ERR_WRONGPACKETSOURCE, NATPMP_ERR_SENDERR: setTimer()
            case 0: finish(GatewayResponse(response).map { .success($0) } ?? .failure(.unsupported))
            default: finish(.failure(PortMappingError(status: status)))
            }
        }

        /// What comes while nothing is asked stays in the socket: libnatpmp would not read it.
        private func finish(_ answer: Result<GatewayResponse, PortMappingError>) {
            repetition.stop()
            watch.stop()
            onAnswer?(answer)
        }
    }

    extension GatewayResponse {
        init?(_ response: natpmpresp_t) {
            epoch = response.epoch
            switch Int32(response.type) {
            case NATPMP_RESPTYPE_PUBLICADDRESS:
                let address = unsafe response.pnu.publicaddress.addr.s_addr
                content = .externalAddress(IPAddress(v4: in_addr_t(bigEndian: address)))
            case NATPMP_RESPTYPE_UDPPORTMAPPING:
                let mapping = unsafe response.pnu.newportmapping
                content = .mapping(
                    port: mapping.privateport, external: mapping.mappedpublicport, seconds: mapping.lifetime)
            default: return nil
            }
        }
    }

    extension PortMappingError {
        fileprivate static let unsupported = PortMappingError(
            .unsupported, "the gateway speaks another protocol than NAT-PMP")

        /// What libnatpmp's number says.
        init(status: Int32) {
            self =
                switch status {
                case NATPMP_ERR_CANNOTGETGATEWAY: PortMappingError(.noGateway, "there is no default route")
                case NATPMP_ERR_CONNECTERR: PortMappingError(.noGateway, "there is no way to the gateway")
                case NATPMP_ERR_NOGATEWAYSUPPORT:
                    PortMappingError(.unsupported, "the gateway does not answer NAT-PMP: switch it on there")
                case NATPMP_ERR_UNSUPPORTEDVERSION, NATPMP_ERR_UNSUPPORTEDOPCODE:
                    .unsupported
                case NATPMP_ERR_NOTAUTHORIZED:
                    PortMappingError(.refused, "the gateway's rules forbid it: see its settings for NAT-PMP")
                case NATPMP_ERR_NETWORKFAILURE:
                    PortMappingError(.networkFailure, "the gateway has no address outside")
                case NATPMP_ERR_OUTOFRESOURCES:
                    PortMappingError(.outOfResources, "the gateway has no room for another mapping")
                default: PortMappingError(.other, "libnatpmp failed with \(status)")
                }
        }
    }
#endif

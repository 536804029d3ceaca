import ICE
import ICETesting

/// A router that maps what it is asked for, as the test says.
final class FakeMapper: PortMapper {
    final class Mapping: PortMapping {
        let local: TransportAddress
        private(set) var isClosed = false
        fileprivate let onChange: (Result<TransportAddress, PortMappingError>) -> Void

        init(_ local: TransportAddress, _ onChange: @escaping (Result<TransportAddress, PortMappingError>) -> Void) {
            self.local = local
            self.onChange = onChange
        }

        func close() { isClosed = true }

        func tell(_ result: Result<TransportAddress, PortMappingError>) {
            if !isClosed { onChange(result) }
        }
    }

    private let network: SimulatedNetwork
    private(set) var mappings: [Mapping] = []
    /// What it answers, after a time; nil never.
    var answer: ((TransportAddress) -> Result<TransportAddress, PortMappingError>?)
    var delay = Duration.milliseconds(20)
    var isOfUse = true

    init(_ network: SimulatedNetwork, answering ip: IPAddress) {
        self.network = network
        answer = { .success(TransportAddress(ip, port: $0.port)) }
    }

    func mapPort(
        of local: TransportAddress, onChange: @escaping (Result<TransportAddress, PortMappingError>) -> Void
    ) -> (any PortMapping)? {
        guard isOfUse else { return nil }
        let mapping = Mapping(local, onChange)
        mappings.append(mapping)
        if let result = answer(local) { network.schedule(after: delay) { mapping.tell(result) } }
        return mapping
    }
}

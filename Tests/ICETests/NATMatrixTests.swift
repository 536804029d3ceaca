import ICE
import ICETesting
import Testing

/// RFC 4787 mapping and filtering behaviours against each other, without relays.
@Suite("The NAT matrix")
struct NATMatrixTests {
    enum Side: String, CaseIterable, CustomStringConvertible {
        case open, firewalled, fullCone, addressRestricted, portRestricted, symmetric, symmetricAddress, udpBlocked

        var behavior: NATBehavior? {
            switch self {
            case .open: nil
            case .firewalled: .firewall
            case .fullCone: .fullCone
            case .addressRestricted: .addressRestricted
            case .portRestricted: .portRestricted
            case .symmetric: .symmetric
            case .symmetricAddress:
                NATBehavior(mapping: .addressDependent, filtering: .addressAndPortDependent, portPreservation: false)
            case .udpBlocked: .udpBlocked
            }
        }

        var description: String { rawValue }

        /// Whether the outside port of a mapping can't be foretold from what a STUN server saw.
        var isSymmetric: Bool { self == .symmetric || self == .symmetricAddress }

        /// Whether the peer has to come from the very port that was sent to.
        var filtersPorts: Bool { [.firewalled, .portRestricted, .symmetric, .symmetricAddress].contains(self) }
    }

    struct Cell: CustomStringConvertible {
        let a: Side
        let b: Side
        var description: String { "\(a) - \(b)" }

        /// RFC 4787, RFC 5128: a port that can't be foretold never gets past a filter that looks at ports.
        var canMeetDirectly: Bool {
            if a == .udpBlocked || b == .udpBlocked { return false }
            return !(a.isSymmetric && b.filtersPorts) && !(b.isSymmetric && a.filtersPorts)
        }
    }

    static let cells = Side.allCases.flatMap { a in Side.allCases.map { Cell(a: a, b: $0) } }

    static func host(_ name: String, _ side: Side, on network: SimulatedNetwork, number: UInt32) -> SimulatedHost {
        let outside = IPAddress(v4: 0xcb00_7100 | number)
        guard let behavior = side.behavior else { return network.makeHost(name, addresses: [outside]) }
        guard behavior.translates else {
            return network.makeHost(
                name, addresses: [outside], behind: network.makeNAT("\(name)-wall", behavior: behavior))
        }
        let nat = network.makeNAT("\(name)-nat", external: [outside], behavior: behavior)
        return network.makeHost(name, addresses: [IPAddress(v4: 0x0a00_0002 | number << 8)], behind: nat)
    }

    @Test("Pairs meet directly where RFC 4787 says they can, and fail with a reason where not", arguments: cells)
    func cell(_ cell: Cell) throws {
        let network = SimulatedNetwork(seed: 11)
        let server = network.makeHost("stun", addresses: ["192.0.2.10"])
        _ = try SimulatedSTUNServer(on: server)
        let a = Self.host("a", cell.a, on: network, number: 1)
        let b = Self.host("b", cell.b, on: network, number: 2)
        for host in [a, b, server] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let call = SimulatedCall(network, a, b, signallingDelay: .milliseconds(30)) { $0.servers = servers }
        let isConnected = call.connect(atMost: .seconds(200))
        #expect(isConnected == cell.canMeetDirectly)
        if cell.canMeetDirectly {
            #expect(network.run(until: { call.isCompleted }, atMost: .seconds(60)))
            #expect(call.talk())
        } else {
            #expect(network.run(until: { call.hasFailed }, atMost: .seconds(200)))
            for client in call.clients { #expect(client.failure?.code == .checksFailed) }
        }
    }
}

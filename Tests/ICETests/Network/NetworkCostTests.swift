import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE
@testable import ICECore

@Suite("F10: networks and what they cost")
struct NetworkCostTests {
    /// A host with a wireless LAN and a mobile network, and a peer on the Internet.
    private func call(
        _ kinds: [NetworkKind] = [.cellular, .wifi], configure: (inout ICEConfiguration) -> Void = { _ in }
    ) -> (call: SimulatedCall, roaming: SimulatedHost) {
        let network = SimulatedNetwork(seed: 3)
        let roaming = network.makeHost("a", addresses: [])
        for (number, kind) in kinds.enumerated() {
            roaming.addInterface(
                "net\(number)", addresses: [IPAddress(v4: 0xcb00_7105 + UInt32(number))], kind: kind)
        }
        let peer = network.makeHost("b", addresses: ["198.51.100.1"])
        let call = SimulatedCall(network, roaming, peer, configure: configure)
        return (call, roaming)
    }

    @Test("F10: candidates and checks of several networks tell which and at what cost, in browsers' words")
    func told() throws {
        let (call, _) = call()
        var heard: [STUNMessage.NetworkInfo] = []
        call.network.interceptor = { packet in
            let message = try? STUNMessage(parsing: packet.bytes.span)
            if packet.sender == "a", message?.messageClass == .request,
                let info = message?[STUNMessage.NetworkInfo.self]
            {
                heard.append(info)
            }
            return .pass
        }
        #expect(call.connect())
        let lines = call.caller.localCandidates.map(\.description)
        // The cheaper one has the higher priority, though it is the second interface.
        #expect(
            lines[0].hasSuffix(
                "203.0.113.6 \(call.caller.localCandidates[0].address.port) typ host network-id 2 network-cost 10"))
        #expect(lines[1].hasSuffix("typ host network-id 1 network-cost 900"))
        #expect(call.caller.localCandidates[0].priority > call.caller.localCandidates[1].priority)
        #expect(heard.contains(STUNMessage.NetworkInfo(id: 2, cost: 10)))
        #expect(call.callee.localCandidates.allSatisfy { $0.attributes.isEmpty })
    }

    @Test(
        "F10: one network that costs nothing is not told of, nor any where addresses are not to be shown",
        arguments: [true, false])
    func untold(_ isHidden: Bool) {
        let (call, _) = call(isHidden ? [.cellular, .wifi] : [.ethernet]) {
            if isHidden { $0.addressExposure = .defaultRoute }
        }
        #expect(call.connect())
        #expect(call.caller.localCandidates.allSatisfy { $0.attributes.isEmpty })
    }

    @Test("F10: a candidate that a check has shown costs what the check says")
    func learned() throws {
        let call = try ScriptedCall(role: .controlled)
        try call.start()
        var check = call.peer.check(for: call.client.localParameters) {
            $0.isSigned = false; $0.hasFingerprint = false
        }
        check.append(STUNMessage.NetworkInfo(id: 3, cost: 5000))
        check.appendIntegrity(IntegrityKey(shortTermPassword: call.client.localParameters.password))
        check.appendFingerprint()
        call.peer.send(check.bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(50))
        #expect(call.client.remoteCandidates.map(\.networkCost) == [999])
    }

    @Test("F9: the spare pair is one of another network, though there are better ones of the same")
    func spare() throws {
        let network = SimulatedNetwork(seed: 3)
        let roaming = network.makeHost("a", addresses: [])
        roaming.addInterface("wlan0", addresses: ["203.0.113.5", "203.0.113.6"], kind: .wifi)
        let cellular = roaming.addInterface("wwan0", addresses: ["203.0.113.7"], kind: .cellular)
        let peer = network.makeHost("b", addresses: ["198.51.100.1"])
        let call = SimulatedCall(network, roaming, peer) { $0.backupPairs = 1 }
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        network.run(for: .seconds(60))
        let used = try #require(call.caller.selectedPair())
        let spares = call.caller.candidatePairs.filter { $0.id != used.id }
        #expect(spares.map(\.local.address.ip) == cellular.addresses.map(\.ip))
    }

    @Test("F10: a network keeps its number while others come and go, and nobody gets one that was another's")
    func numbers() {
        func address(_ index: UInt32, _ kind: NetworkKind = .wifi) -> InterfaceAddress {
            InterfaceAddress(
                interface: "net\(index)", index: index, ip: IPAddress(v4: 0xcb00_7100 | index), prefixLength: 24,
                kind: kind)
        }
        var numbers = NetworkNumbers()
        func number(_ index: UInt32, _ all: [InterfaceAddress]) -> UInt16? {
            numbers.info(of: IPAddress(v4: 0xcb00_7100 | index), among: all)?.id
        }
        var all = [address(3)]
        numbers.note(all)
        #expect(number(3, all) == 1)
        all = [address(2, .cellular), address(3)]
        numbers.note(all)
        #expect(number(3, all) == 1 && number(2, all) == 2)
        all = [address(2, .cellular), address(9)]
        numbers.note(all)
        #expect(number(2, all) == 2 && number(9, all) == 3)
        #expect(number(3, all) == nil)
    }

    @Test("E3.1: dear networks come last, and within equal ones both families take turns")
    func order() {
        func address(_ ip: IPAddress, _ index: UInt32, _ kind: NetworkKind) -> InterfaceAddress {
            InterfaceAddress(interface: "net\(index)", index: index, ip: ip, prefixLength: 24, kind: kind)
        }
        let all = [
            address("203.0.113.1", 2, .cellular), address("2001:db8:1::1", 2, .cellular),
            address("203.0.113.2", 3, .wifi), address("2001:db8:2::1", 3, .wifi), address("203.0.113.3", 4, .ethernet),
        ]
        #expect(
            AddressPolicy().select(from: all) == [
                "203.0.113.3", "2001:db8:2::1", "203.0.113.2", "2001:db8:1::1", "203.0.113.1",
            ])
    }
}

import Calling
import ICE
import ICETesting
import Testing

@Suite("Lesson 2: homes behind NATs")
struct NATTests {
    /// Two homes with routers of some kind, and a server that tells addresses and relays.
    private func call(_ first: NATBehavior, _ second: NATBehavior, seed: UInt64) throws -> (Street, Phone, Phone) {
        let street = Street(seed: seed)
        let network = street.network
        try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["198.51.100.1"]), users: ["user": "secret"])
        let servers = [
            try ICEServer(urls: ["stun:198.51.100.1", "turn:198.51.100.1"], username: "user", credential: "secret")
        ]
        let homes = [("alice", first, IPAddress(v4: 0xcb00_7105)), ("bob", second, IPAddress(v4: 0xcb00_7106))]
        let phones = homes.map { name, behavior, external in
            let router = network.makeNAT("\(name)'s router", external: [external], behavior: behavior)
            // Both homes use the same private addresses, as homes do.
            let host = network.makeHost(name, addresses: ["192.168.1.2"], behind: router)
            return street.phone(name, on: host, servers: servers)
        }
        street.answer(phones[1])
        _ = street.dial(phones[0], phones[1])
        return (street, phones[0], phones[1])
    }

    /// A table of what is out there, each row a test case of its own.
    @Test(
        "Common routers let the phones talk directly",
        arguments: [
            (NATBehavior.fullCone, NATBehavior.fullCone), (.addressRestricted, .portRestricted),
            (.portRestricted, .portRestricted), (.fullCone, .symmetric),
        ])
    func direct(_ first: NATBehavior, _ second: NATBehavior) throws {
        let (street, alice, bob) = try call(first, second, seed: 5)
        #expect(street.areTalking(alice, bob))
        // The first path that works carries the call; a better one follows within seconds.
        street.network.run(for: .seconds(5))
        #expect(alice.session?.path?.isRelayed == false)
        #expect(street.time(for: "hello", from: alice, to: bob) != nil)
    }

    /// What the application should be sure of: it has a relay where nothing else works.
    @Test("Between two symmetric NATs the server relays")
    func relayed() throws {
        let (street, alice, bob) = try call(.symmetric, .symmetric, seed: 6)
        #expect(street.areTalking(alice, bob))
        street.network.run(for: .seconds(5))
        #expect(alice.session?.path?.isRelayed == true)
        #expect(street.time(for: "hello", from: bob, to: alice) != nil)
    }

    /// And what its users are told where even that is missing.
    @Test("Without any server, two symmetric NATs are the end of the call, with a reason for people")
    func noWay() {
        let street = Street(seed: 7)
        let phones = [("alice", IPAddress(v4: 0xcb00_7105)), ("bob", IPAddress(v4: 0xcb00_7106))].map {
            name, external in
            let router = street.network.makeNAT("\(name)'s router", external: [external], behavior: .symmetric)
            return street.phone(name, on: street.network.makeHost(name, addresses: ["192.168.1.2"], behind: router))
        }
        street.answer(phones[1])
        let call = street.dial(phones[0], phones[1])
        street.network.run(until: { call.state.isOver }, atMost: .seconds(60))
        street.network.run(for: .seconds(1))
        // One of them gives up first, and hangs up at the other.
        let states = phones.compactMap(\.session?.state)
        #expect(states.count == 2 && states.contains(.ended(.partnerHungUp)))
        let reasons = states.compactMap { if case .ended(.noPath(let reason)) = $0 { reason } else { nil } }
        #expect(reasons.count == 1 && reasons.allSatisfy { $0.contains("TURN") })
    }
}

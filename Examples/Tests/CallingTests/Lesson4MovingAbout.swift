import Calling
import ICE
import ICETesting
import Testing

@Suite("Lesson 4: phones that move about")
struct MovingTests {
    /// A phone at home in the wireless network, in a call with one on the Internet.
    private final class Scene {
        let street: Street
        let host: SimulatedHost
        let alice: Phone
        let bob: Phone

        init(seed: UInt64) {
            street = Street(seed: seed)
            let network = street.network
            let router = network.makeNAT("router", external: ["203.0.113.5"], behavior: .portRestricted)
            host = network.makeHost("a", addresses: ["192.168.1.2"], behind: router)
            alice = street.phone("alice", on: host)
            bob = street.phone("bob", on: network.makeHost("b", addresses: ["192.0.2.2"]))
            street.answer(bob)
            _ = street.dial(alice, bob)
        }

        /// She leaves the house: the mobile network is there, and after a while the wireless one is not.
        func leaveHome(overlap: Duration) {
            let carrier = street.network.makeNAT("carrier", external: ["198.51.100.7"], behavior: .symmetric)
            if overlap > .zero {
                host.addInterface("wwan0", addresses: ["100.64.0.9"], behind: carrier, kind: .cellular)
                street.network.run(for: overlap)
                host.interface.isUp = false
            } else {
                host.interface.isUp = false
                street.network.run(for: .zero - overlap)
                host.addInterface("wwan0", addresses: ["100.64.0.9"], behind: carrier, kind: .cellular)
            }
        }
    }

    /// The test changes the world in the middle of the call, and measures how long nobody hears anything.
    @Test(
        "From the wireless to the mobile network, a call goes on after a second at most where they overlap",
        arguments: UInt64(1)...5)
    func overlap(seed: UInt64) throws {
        let scene = Scene(seed: seed)
        #expect(scene.street.areTalking(scene.alice, scene.bob))
        scene.leaveHome(overlap: .seconds(3))
        let silence = try #require(scene.street.time(for: "still here", from: scene.alice, to: scene.bob))
        #expect(silence < .seconds(1))
        #expect(scene.street.time(for: "I hear you", from: scene.bob, to: scene.alice) != nil)
        #expect(scene.alice.session?.state == .talking)
    }

    /// Here the application's own code is what is tested: the restart's credentials go over its signalling.
    @Test("With a gap of some seconds between them, the phones restart and talk again", arguments: UInt64(1)...5)
    func gap(seed: UInt64) throws {
        let scene = Scene(seed: seed)
        #expect(scene.street.areTalking(scene.alice, scene.bob))
        scene.street.network.run(for: .seconds(10))
        let messages = scene.street.messageCount
        scene.leaveHome(overlap: .seconds(-4))
        let silence = try #require(
            scene.street.time(for: "back again", from: scene.alice, to: scene.bob, atMost: .seconds(30)))
        #expect(silence < .seconds(5))
        #expect(scene.street.time(for: "welcome", from: scene.bob, to: scene.alice) != nil)
        #expect(scene.street.messageCount > messages)
    }

    /// And what cannot be mended has to end, rather than stay silent for ever.
    @Test("A phone whose battery is empty is missed, and the call ends by itself")
    func gone() {
        let scene = Scene(seed: 6)
        #expect(scene.street.areTalking(scene.alice, scene.bob))
        scene.host.shutDown()
        let session = scene.bob.session
        scene.street.network.run(until: { session?.state == .interrupted }, atMost: .seconds(15))
        #expect(session?.state == .interrupted)
        scene.street.network.run(until: { session?.state.isOver == true }, atMost: .seconds(120))
        #expect(session?.state.isOver == true)
    }
}

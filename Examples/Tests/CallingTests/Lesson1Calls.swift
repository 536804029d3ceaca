import Calling
import ICE
import ICETesting
import Testing

@Suite("Lesson 1: calls, and how they end")
struct CallTests {
    /// The smallest test: two hosts, a call, and `run(until:)` instead of a sleep.
    @Test("Two phones on the Internet find each other, and each hears what the other says")
    func call() {
        let street = Street(seed: 1)
        let alice = street.phone("alice", on: street.network.makeHost("a", addresses: ["192.0.2.1"]))
        let bob = street.phone("bob", on: street.network.makeHost("b", addresses: ["192.0.2.2"]))
        street.answer(bob)
        _ = street.dial(alice, bob)
        #expect(street.areTalking(alice, bob))
        #expect(street.time(for: "hello bob", from: alice, to: bob) != nil)
        #expect(street.time(for: "hello alice", from: bob, to: alice) != nil)
    }

    /// Half a minute of ringing takes no time here: the network leaps from one event to the next.
    @Test("A call that nobody answers ends after 30 s at both ends, and has told the caller no address of the callee")
    func notAnswered() {
        let street = Street(seed: 2)
        let bobsHost = street.network.makeHost("b", addresses: ["192.0.2.2"])
        let alice = street.phone("alice", on: street.network.makeHost("a", addresses: ["192.0.2.1"]))
        let bob = street.phone("bob", on: bobsHost)
        let call = street.dial(alice, bob)
        street.network.run(for: CallSession.patience - .seconds(1))
        #expect(call.state == .ringing && bob.session?.state == .ringing)
        street.network.run(for: .seconds(2))
        #expect(call.state == .ended(.notAnswered) && bob.session?.state.isOver == true)
        // What the network counted: not one packet has left the phone that nobody picked up.
        #expect(bobsHost.counters[.sent] == 0)
    }

    /// A test may look at all that an application must not leave behind.
    @Test("When one hangs up the other one learns it, and nothing is sent any more")
    func hangUp() {
        let street = Street(seed: 3)
        let alice = street.phone("alice", on: street.network.makeHost("a", addresses: ["192.0.2.1"]))
        let bob = street.phone("bob", on: street.network.makeHost("b", addresses: ["192.0.2.2"]))
        street.answer(bob)
        let call = street.dial(alice, bob)
        #expect(street.areTalking(alice, bob))
        call.hangUp()
        street.network.run(for: .seconds(1))
        #expect(call.state == .ended(.hungUp) && bob.session?.state == .ended(.partnerHungUp))
        let sent = street.network.counters[.sent]
        street.network.run(for: .seconds(60))
        #expect(street.network.counters[.sent] == sent)
    }

    @Test("Who dials in the middle of a call hangs up first, and its client sends nothing any more")
    func dialDuringCall() {
        let street = Street(seed: 5)
        let phones = ["a", "b", "c"].enumerated().map { index, name in
            street.phone(
                name, on: street.network.makeHost(name, addresses: [IPAddress(v4: 0xc000_0201 + UInt32(index))]))
        }
        for phone in phones { street.answer(phone) }
        let first = street.dial(phones[0], phones[1])
        #expect(street.areTalking(phones[0], phones[1]))
        let second = street.dial(phones[0], phones[2])
        #expect(street.areTalking(phones[0], phones[2]))
        #expect(first.state == .ended(.hungUp) && phones[1].session?.state == .ended(.partnerHungUp))
        #expect(second.state == .talking)
    }

    @Test("Who talks already is engaged for others")
    func engaged() {
        let street = Street(seed: 4)
        let phones = ["a", "b", "c"].enumerated().map { index, name in
            street.phone(
                name, on: street.network.makeHost(name, addresses: [IPAddress(v4: 0xc000_0201 + UInt32(index))]))
        }
        street.answer(phones[1])
        _ = street.dial(phones[0], phones[1])
        #expect(street.areTalking(phones[0], phones[1]))
        let call = street.dial(phones[2], phones[1])
        street.network.run(for: .seconds(1))
        #expect(call.state == .ended(.partnerHungUp) && phones[1].session?.partner == "a")
    }
}

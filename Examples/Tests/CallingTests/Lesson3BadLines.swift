import Calling
import ICE
import ICETesting
import Testing

@Suite("Lesson 3: bad lines, and the same bad luck again")
struct BadLineTests {
    private func call(seed: UInt64, _ conditions: LinkConditions) -> (Street, Phone, Phone) {
        let street = Street(seed: seed)
        let hosts = [
            street.network.makeHost("a", addresses: ["192.0.2.1"]),
            street.network.makeHost("b", addresses: ["192.0.2.2"]),
        ]
        for host in hosts { host.link.setConditions(conditions) }
        let phones = [street.phone("alice", on: hosts[0]), street.phone("bob", on: hosts[1])]
        street.answer(phones[1])
        _ = street.dial(phones[0], phones[1])
        return (street, phones[0], phones[1])
    }

    /// Luck is a number. Many seeds are many runs of bad luck; one that fails is kept, and fails again until it is mended.
    @Test("Each fifth packet lost, late or twice: the phones talk all the same", arguments: UInt64(1)...20)
    func loss(seed: UInt64) {
        let conditions = LinkConditions(
            delay: .milliseconds(30), jitter: .milliseconds(20), loss: 0.2, duplication: 0.05, reordering: 0.1)
        let (street, alice, bob) = call(seed: seed, conditions)
        #expect(street.areTalking(alice, bob))
        #expect(street.time(for: "can you hear me", from: alice, to: bob) != nil)
        #expect(street.time(for: "now I can", from: bob, to: alice) != nil)
    }

    /// The whole of what went over the network is one text, and two runs are compared as texts are.
    @Test("The same seed gives the same packets, another one others")
    func determinism() {
        let texts = [UInt64(7), 7, 8].map { seed in
            let (street, alice, bob) = call(seed: seed, LinkConditions(delay: .milliseconds(30), loss: 0.2))
            street.network.isTracing = true
            #expect(street.areTalking(alice, bob))
            return street.network.traceText
        }
        #expect(!texts[0].isEmpty && texts[0] == texts[1] && texts[0] != texts[2])
    }

    /// Time is a number as well, so that a promise about it can be tested to the millisecond.
    @Test("On a line with 50 ms each way, a call stands 400 ms after it was dialled")
    func setupTime() {
        let (street, alice, bob) = call(seed: 9, LinkConditions(delay: .milliseconds(25)))
        #expect(street.areTalking(alice, bob, within: .milliseconds(400)))
    }
}

import DNS
import MDNS
import NetBase
import Testing

@Suite struct QueryTests {
    private let name = MulticastName.random()

    @Test("E5.2: a name is asked for by both types, for unicast at first, four times, and given up after 15 s")
    func schedule() throws {
        var driver = Driver()
        driver.resolve(name)
        driver.run(for: .seconds(60))
        #expect(driver.times == [0, 1000, 3000, 7000])
        #expect(driver.sent.allSatisfy { $0.destination == nil && $0.message.id == 0 && $0.message.flags == 0 })
        #expect(
            driver.sent.map { $0.message.questions.map(\.wantsUnicast) } == [
                [true, true], [false, false], [false, false], [false, false],
            ])
        #expect(driver.sent[0].message.questions.map(\.type) == [.a, .aaaa])
        #expect(driver.sent.allSatisfy { $0.message.questions.allSatisfy { $0.name == name.description } })
        #expect(driver.failed.map(\.1) == [.noAnswer])
        #expect(driver.core.deadline == nil)
    }

    @Test(
        "E5.2: the one address of an answer is the name's, in answers and additional records, whatever the case of the name"
    )
    func answers() throws {
        var driver = Driver()
        driver.resolve(name)
        var message = DNSMessage.response
        message.additionals = [
            DNSRecord(name.description.uppercased(), address: peer.ip, timeToLive: 120)
        ]
        driver.receive(message, from: peer)
        #expect(driver.resolved.map(\.1) == [peer.ip])
        driver.run(for: .seconds(60))
        #expect(driver.times == [0] && driver.failed.isEmpty)
    }

    @Test("E5.2: a name with more than one address is none")
    func ambiguous() {
        var driver = Driver()
        driver.resolve(name)
        driver.receive(.answer(name, peer.ip, stranger.ip), from: peer)
        #expect(driver.resolved.isEmpty && driver.failed.map(\.1) == [.ambiguous])
        // The same address twice is one.
        let other = MulticastName.random()
        driver.resolve(other)
        driver.receive(.answer(other, peer.ip, peer.ip), from: peer)
        #expect(driver.resolved.map(\.1) == [peer.ip])
    }

    @Test("RFC 6762 §6, §11: answers from another port, or from beyond the link, are ignored, and so are errors")
    func strangers() {
        var driver = Driver()
        driver.resolve(name)
        driver.receive(.answer(name, peer.ip), from: stranger)
        driver.receive(.answer(name, peer.ip), from: peer, isOnLink: false)
        var error = DNSMessage.answer(name, peer.ip)
        error.flags |= 3
        driver.receive(error, from: peer)
        driver.receive(.answer(.random(), peer.ip), from: peer)
        #expect(driver.resolved.isEmpty)
        driver.receive(.answer(name, peer.ip), from: peer)
        #expect(driver.resolved.count == 1)
    }

    @Test("RFC 6762 §10: an answer is known for as long as it says, and until it is taken back")
    func expiry() {
        var driver = Driver()
        driver.resolve(name)
        driver.receive(.answer(name, peer.ip, timeToLive: 10), from: peer)
        driver.run(for: .milliseconds(9_900))
        driver.resolve(name)
        #expect(driver.resolved.count == 2 && driver.times == [0])
        driver.run(for: .milliseconds(200))
        driver.resolve(name)
        #expect(driver.resolved.count == 2 && driver.times.count == 2)

        driver.receive(.answer(name, peer.ip), from: peer)
        driver.receive(.answer(name, peer.ip, timeToLive: 0), from: peer)
        driver.forget()
        driver.resolve(name)
        #expect(driver.resolved.count == 3 && driver.sent.count == 1)
    }

    @Test(
        "E5.2: a second answer with another address takes the first one's place, or spoils the name where it is no unique one"
    )
    func clash() {
        var driver = Driver()
        driver.resolve(name)
        driver.receive(.answer(name, peer.ip), from: peer)
        driver.receive(.answer(name, stranger.ip), from: peer)
        driver.resolve(name)
        #expect(driver.resolved.map(\.1) == [peer.ip, stranger.ip])
        driver.receive(.answer(name, peer.ip, isUnique: false), from: peer)
        driver.resolve(name)
        #expect(driver.failed.map(\.1) == [.ambiguous])
    }

    @Test("Queries are bounded, for each client and for all, and shared by those who ask for the same name")
    func bounds() {
        var driver = Driver()
        for client in 0..<10 {
            for _ in 0..<20 { driver.resolve(.random(), for: client) }
        }
        #expect(driver.sent.count == MDNSCore.queryLimit)
        #expect(driver.failed.count == 200 - MDNSCore.queryLimit && driver.failed.allSatisfy { $0.1 == .tooMany })
        driver.run(for: .seconds(20))
        driver.forget()

        for client in 0..<3 { driver.resolve(name, for: client) }
        driver.resolve(name, for: 0)
        #expect(driver.sent.count == 1)
        for client in 0..<3 { driver.perform { core, _ in core.cancel(name, for: MDNSCore.ClientID(client)) } }
        driver.run(for: .seconds(20))
        #expect(driver.sent.count == 1 && driver.failed.last?.1 == .noAnswer && driver.core.deadline == nil)
    }

    @Test("Floods of answers leave nothing behind but the answer that was asked for")
    func flood() {
        var driver = Driver()
        driver.resolve(name)
        for number in 0..<10_000 {
            let address = IPAddress(v4: 0xc0a8_0000 | UInt32(number))
            driver.receive(.answer(.random(), address), from: peer)
        }
        driver.receive(.answer(name, peer.ip), from: peer)
        #expect(driver.resolved.count == 1)
        for number in 0..<10_000 {
            let address = IPAddress(v4: 0x0a00_0000 | UInt32(number))
            driver.receive(.answer(name, address, isUnique: number % 2 == 0, timeToLive: .max), from: peer)
        }
        #expect(driver.core.cachedCount <= 2)
        for _ in 0..<1000 {
            let asked = MulticastName.random()
            driver.resolve(asked)
            driver.receive(.answer(asked, peer.ip), from: peer)
        }
        #expect(driver.core.cachedCount <= 2 * MDNSCore.queryLimit)
    }

    @Test("Random bytes change nothing")
    func randomBytes() {
        var driver = Driver()
        driver.resolve(name)
        driver.perform { $0.publish(.random(), peer.ip, at: $1) }
        driver.run(for: .seconds(2))
        let before = driver.sent.count
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...80)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            driver.perform { $0.receive(bytes.span, from: peer, isOnLink: true, at: $1) }
        }
        #expect(driver.sent.count == before && driver.resolved.isEmpty)
    }
}

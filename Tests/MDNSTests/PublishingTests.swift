import DNS
import MDNS
import NetBase
import Testing

@Suite struct PublishingTests {
    private let name = MulticastName.random()
    private let address = IPAddress(v4: 0xc0a8_0002)

    @Test("E5.1: a name is announced twice, a second apart, without a question before it, for 120 s")
    func announcement() throws {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.run(for: .seconds(60))
        #expect(driver.times == [0, 1000])
        for message in driver.sent.map(\.message) {
            #expect(message.isResponse && message.questions.isEmpty && message.authorities.isEmpty)
            #expect(message.answers == [DNSRecord(name.description, address: address, timeToLive: 120)])
            #expect(message.additionals.map(\.type) == [.nsec])
        }
    }

    @Test("E5.1: names are UUIDs of version 4, and no two are equal")
    func names() {
        var generator = SystemRandomNumberGenerator()
        let names = (0..<200).map { _ in MulticastName(using: &generator) }
        #expect(Set(names).count == 200)
        for name in names {
            #expect(MulticastName(name.description) == name)
            let text = Array(name.description)
            #expect(text.count == 42 && text[14] == "4" && "89ab".contains(text[19]))
        }
    }

    @Test(
        "E5.2: names that are no UUIDs are none, and neither are those with another number of dots",
        arguments: [
            "printer.local", "local", ".local", "1f4712db-ea17-4bcf-a596-105139dfd8bf",
            "1f4712dbea174bcfa596105139dfd8bf.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf.local.", "a.1f4712db-ea17-4bcf-a596-105139dfd8bf.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bg.local", "1f4712db-ea17-4bcf-a596-105139dfd8bf.example",
        ])
    func noNames(_ text: String) { #expect(MulticastName(text) == nil) }

    @Test("RFC 6762 §5.4: a question for unicast is answered so, others to the group; names of others not at all")
    func answers() throws {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.run(for: .seconds(5))
        driver.forget()
        driver.receive(.question(name, wantsUnicast: true), from: peer)
        #expect(driver.sent.map(\.destination) == [peer])
        driver.receive(.question(name), from: peer)
        #expect(driver.sent.map(\.destination) == [peer, nil])
        #expect(driver.sent.allSatisfy { $0.message.answers.map(\.address) == [address] })
        driver.receive(.question(.random()), from: peer)
        driver.receive(.question(name), from: peer, isOnLink: false)
        #expect(driver.sent.count == 2)

        // What was last told to the group long ago is told to it again.
        driver.run(for: .seconds(31))
        driver.receive(.question(name, wantsUnicast: true), from: peer)
        #expect(driver.sent.last?.destination == nil)
        // Another program of this machine would not get it.
        let neighbour = TransportAddress(address, port: 5353)
        driver.run(for: .seconds(2))
        driver.receive(.question(name, wantsUnicast: true), from: neighbour)
        #expect(driver.sent.count == 4 && driver.sent.last?.destination == nil)
    }

    @Test("RFC 6762 §6: a record goes to the group once in a second at the most, however often it is asked for")
    func rateLimit() {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.run(for: .seconds(10))
        driver.forget()
        for _ in 0..<1000 {
            driver.receive(.question(name), from: peer)
            driver.run(for: .milliseconds(10))
        }
        driver.run(for: .seconds(5))
        #expect(driver.sent.count <= 11)
        #expect(zip(driver.times, driver.times.dropFirst()).allSatisfy { $1 - $0 >= 1000 })
        driver.forget()
        for _ in 0..<1000 { driver.receive(.question(name, wantsUnicast: true), from: peer) }
        #expect(driver.sent.count == 50)
    }

    @Test("RFC 6762 §7.1: who knows the answer gets none")
    func knownAnswer() {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.run(for: .seconds(5))
        driver.forget()
        var question = DNSMessage.question(name)
        question.answers = [DNSRecord(name.description, address: address, timeToLive: 60)]
        driver.receive(question, from: peer)
        #expect(driver.sent.isEmpty)
        question.answers[0].timeToLive = 59
        driver.receive(question, from: peer)
        #expect(driver.sent.count == 1)
    }

    @Test("RFC 6762 §6.7: who asks from another port gets what DNS has, with its ID and its question")
    func legacy() throws {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.run(for: .seconds(5))
        driver.forget()
        var question = DNSMessage.question(name)
        question.id = 4711
        driver.receive(question, from: stranger)
        let sent = try #require(driver.sent.first)
        #expect(sent.destination == stranger && sent.message.id == 4711)
        #expect(sent.message.questions == question.questions)
        #expect(sent.message.answers.map(\.timeToLive) == [10] && sent.message.answers.map(\.isUnique) == [false])
    }

    @Test("A question for a type that a name has not is answered by what it has")
    func otherTypes() throws {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.run(for: .seconds(5))
        driver.forget()
        var question = DNSMessage()
        question.questions = [DNSQuestion(name.description, .aaaa, wantsUnicast: true)]
        driver.receive(question, from: peer)
        let only = try #require(DNSRecord.only(.a, of: name.description, timeToLive: 120))
        #expect(driver.sent.first?.message.additionals == [only])
    }

    @Test("RFC 6762 §10.1: a name that is published no more is taken back, and not answered for")
    func unpublish() {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.run(for: .milliseconds(100))
        driver.forget()
        driver.perform { core, _ in core.unpublish(name) }
        driver.perform { core, _ in core.unpublish(name) }
        #expect(driver.sent.map { $0.message.answers.map(\.timeToLive) } == [[0]])
        driver.receive(.question(name), from: peer)
        driver.run(for: .seconds(10))
        #expect(driver.sent.count == 1 && driver.core.deadline == nil)
    }

    @Test("E5.1: an answer of somebody else for a name of ours changes nothing, and we are our own first answer")
    func clash() {
        var driver = Driver()
        driver.perform { $0.publish(name, address, at: $1) }
        driver.receive(.answer(name, stranger.ip), from: peer)
        driver.resolve(name)
        #expect(driver.resolved.map(\.1) == [address])
        driver.run(for: .seconds(5))
        driver.forget()
        driver.receive(.question(name), from: peer)
        #expect(driver.sent.first?.message.answers.map(\.address) == [address])
    }

    @Test("Many names are announced in packets of a sane size, and again when there are new interfaces")
    func many() {
        var driver = Driver()
        for number in 0..<30 {
            driver.perform { $0.publish(.random(), IPAddress(v4: 0xc0a8_0000 | UInt32(number)), at: $1) }
        }
        driver.run(for: .seconds(5))
        driver.forget()
        driver.perform { $0.announceAgain(at: $1) }
        driver.run(for: .seconds(5))
        #expect(driver.sent.reduce(0) { $0 + $1.message.answers.count } == 60)
        #expect(driver.sent.allSatisfy { ((try? $0.message.bytes()) ?? []).count < 1200 })
    }
}

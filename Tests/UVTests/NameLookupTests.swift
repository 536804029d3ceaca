import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Name resolution")
    struct NameLookupTests {
        let loop: EventLoop
        init() throws { loop = try EventLoop() }

        private func resolve(_ host: String, _ family: IPAddress.Family? = nil) -> Result<[IPAddress], NetworkError>? {
            var result: Result<[IPAddress], NetworkError>?
            loop.resolve(host, family: family) { result = $0 }
            #expect(result == nil)
            _ = loop.run(until: { result != nil }, atMost: patience)
            return result
        }

        @Test("localhost has loopback addresses, each once")
        func localhost() throws {
            let addresses = try #require(resolve("localhost")).get()
            #expect(!addresses.isEmpty)
            #expect(addresses.allSatisfy { $0.isLoopback })
            #expect(Set(addresses).count == addresses.count)
            #expect(try #require(resolve("localhost", .v4)).get() == [.loopback(.v4)])
        }

        @Test("An address is its own answer, on a later turn", arguments: ["192.0.2.1", "2001:db8::1", "fe80::1%3"])
        func literal(text: String) throws {
            #expect(try #require(resolve(text)).get() == [#require(IPAddress(text))])
        }

        @Test("An address of the other family has no answer")
        func wrongFamily() {
            #expect(throws: NetworkError.self) { try resolve("192.0.2.1", .v6)?.get() }
        }

        @Test(
            "A name that cannot be is refused without asking anybody",
            arguments: [
                "", "a\0b", String(repeating: "a", count: 64) + ".invalid", String(repeating: "a.", count: 200),
            ])
        func impossibleNames(host: String) throws {
            let error = #expect(throws: NetworkError.self) { try resolve(host)?.get() }
            #expect([.nameNotFound, .invalidArgument].contains(error?.code))
            #expect(error?.operation == "resolve \(host)")
        }

        @Test("A cancelled look-up does not answer", arguments: ["localhost", "192.0.2.1"])
        func cancelled(host: String) {
            weak var weakLookup: NameLookup?
            do {
                let lookup = loop.resolve(host) { _ in Issue.record("answered") }
                weakLookup = lookup
                lookup.cancel()
                lookup.cancel()
            }
            #expect(!loop.run())
            #expect(weakLookup == nil)
        }

        @Test("A look-up may be cancelled from inside its answer")
        func cancelInside() {
            var lookup: NameLookup?
            var answers = 0
            lookup = loop.resolve("localhost") { _ in
                answers += 1
                lookup?.cancel()
            }
            #expect(!loop.run())
            #expect(answers == 1)
            lookup = nil
        }

        @Test("Closing the loop drops look-ups that are under way")
        func closeLoop() {
            for _ in 0..<20 { loop.resolve("localhost") { _ in Issue.record("answered") } }
            loop.close()
        }
    }
}

import NetBase
import Testing

@testable import UV

@Suite("The interfaces as they were listed last")
struct RecentInterfacesTests {
    @Test("They are listed once for many clients, and anew after 10 ms; a fault is not remembered")
    func age() throws {
        var recent = RecentInterfaces()
        var listings = 0
        func look(at milliseconds: Int64) throws(NetworkError) -> Int {
            try recent.addresses(at: Instant(nanoseconds: milliseconds * 1_000_000)) { () throws(NetworkError) in
                listings += 1
                if listings == 2 { throw NetworkError.closed("list interfaces") }
                return []
            }.count
        }
        for time in [0, 3, 10] { _ = try look(at: Int64(time)) }
        #expect(listings == 1)
        #expect(throws: NetworkError.self) { try look(at: 11) }
        _ = try look(at: 12)
        _ = try look(at: 21)
        #expect(listings == 3)
    }

    @Test("A loop whose interfaces have changed lists them at once")
    func forgotten() throws {
        let loop = try EventLoop()
        let first = try loop.interfaceAddresses()
        loop.forgetInterfaceAddresses()
        #expect(try Set(loop.interfaceAddresses().map(\.ip)) == Set(first.map(\.ip)))
    }

    @Test("A closed loop, whose clients may be on several threads, remembers none")
    func closed() throws {
        let loop = try EventLoop()
        loop.close()
        #expect(try !loop.interfaceAddresses().isEmpty)
        var isListed = false
        _ = try loop.interfaces.addresses(at: .systemNow) {
            isListed = true
            return []
        }
        #expect(isListed)
    }
}

import NetBase
import Testing

@testable import ICECore

@Suite("C5.5: the addresses whose data is taken")
struct AdmissionsTests {
    private var admissions = Admissions()

    private static func address(_ port: Int) -> TransportAddress {
        TransportAddress("198.51.100.1", port: UInt16(port))
    }

    /// Admits ports on a socket; gives the ports that made room.
    private mutating func admit(
        _ ports: some Sequence<Int>, on socket: SocketID = 1, generation: Int = 0, used: Set<Int> = []
    ) -> [Int] {
        ports.compactMap { port in
            admissions.admit(Self.address(port), on: socket, generation: generation) {
                used.contains(Int($0.address.port))
            }.displaced.map { Int($0.address.port) }
        }
    }

    @Test("An address is new once on each socket")
    mutating func new() {
        for (socket, isNew) in [(1, true), (1, false), (2, true), (2, false)] as [(SocketID, Bool)] {
            let result = admissions.admit("198.51.100.1:7000", on: socket, generation: 0) { _ in false }
            #expect(result.isNew == isNew && result.displaced == nil)
        }
    }

    @Test("What proves itself again belongs to the later generation, and stays when the earlier one goes")
    mutating func generations() {
        #expect(admit(1...4).isEmpty)
        #expect(admit([2, 4], generation: 1).isEmpty)
        let gone = admissions.expel { $0.generation < 1 }
        #expect(gone.map { Int($0.address.port) } == [1, 3])
        #expect(admissions.expel { $0.generation < 1 }.isEmpty)
        #expect(admissions.expel { _ in true }.count == 2)
    }

    @Test("Of more than 256 the one that was admitted first makes room, but none that carries data")
    mutating func limit() {
        #expect(admit(1...256, used: [1, 3]).isEmpty)
        #expect(admit(257...260, used: [1, 3]) == [2, 4, 5, 6])
        #expect(admissions.expel { _ in true }.count == 256)
    }

    @Test("An address that was expelled is new when it comes again")
    mutating func again() {
        #expect(admit([1, 2]).isEmpty)
        #expect(admissions.expel { $0.address.port == 1 }.count == 1)
        #expect(admissions.admit(Self.address(1), on: 1, generation: 0) { _ in false }.isNew)
        #expect(!admissions.admit(Self.address(2), on: 1, generation: 0) { _ in false }.isNew)
    }
}

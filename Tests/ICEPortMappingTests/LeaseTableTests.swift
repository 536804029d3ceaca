import ICE
import NetBase
import Testing

@testable import ICEPortMapping

@Suite("The mappings at a gateway, in virtual time")
final class LeaseTableTests {
    /// A generator whose numbers are all the same.
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }

    private static let origin = Instant(nanoseconds: 1_000_000_000_000)
    private static let external = IPAddress(v4: 0xcb00_7101)

    private var table = LeaseTable(lifetime: .seconds(7200))
    private var now = origin
    /// When the gateway began.
    private var epochBegin = origin - .seconds(1000)
    private var generator = Constant(value: .max / 2)

    private var epoch: UInt32 { UInt32((now - epochBegin).components.seconds) }

    private func answer(_ content: GatewayResponse.Content) -> GatewayRequest? {
        table.receive(GatewayResponse(content: content, epoch: epoch), at: now, using: &generator)
    }

    private func next() -> GatewayRequest? { table.nextRequest(at: now) }

    /// Answers what is asked now, in order, as a gateway would that grants what it is asked for; returns what was asked.
    private func serve(seconds granted: UInt32? = nil) -> [GatewayRequest] {
        var asked: [GatewayRequest] = []
        table.advance(to: now)
        while let request = next() {
            asked.append(request)
            switch request {
            case .externalAddress: _ = answer(.externalAddress(Self.external))
            case .map(let port, let suggested, let seconds):
                let outside = suggested == 0 ? port : suggested
                _ = answer(.mapping(port: port, external: outside, seconds: granted ?? seconds))
            case .unmap(let port): _ = answer(.mapping(port: port, external: 0, seconds: 0))
            }
        }
        return asked
    }

    private func address(of port: UInt16) -> TransportAddress? {
        if case .success(let address) = table.result(of: port) { address } else { nil }
    }

    private func fault(of port: UInt16) -> PortMappingError.Code? {
        if case .failure(let error) = table.result(of: port) { error.code } else { nil }
    }

    private func leap() throws {
        now = try #require(table.deadline)
    }

    @Test("The address outside is asked for once, then each port, one at a time")
    func asking() {
        table.want([4000, 4001], at: now)
        #expect(next() == .externalAddress)
        #expect(next() == nil)
        #expect(table.result(of: 4000) == nil)
        _ = answer(.externalAddress(Self.external))
        #expect(next() == .map(port: 4000, suggested: 0, seconds: 7200))
        _ = answer(.mapping(port: 4000, external: 5000, seconds: 7200))
        #expect(address(of: 4000) == TransportAddress(Self.external, port: 5000))
        #expect(next() == .map(port: 4001, suggested: 0, seconds: 7200))
        #expect(table.result(of: 4001) == nil)
    }

    @Test(
        "A mapping is renewed when half of what was granted is over, with the port that it has, and the address is asked for too"
    )
    func renewal() throws {
        table.want([4000], at: now)
        _ = serve(seconds: 600)
        #expect(next() == nil)
        try leap()
        #expect(now - Self.origin == .seconds(300))
        #expect(serve(seconds: 600) == [.externalAddress, .map(port: 4000, suggested: 4000, seconds: 7200)])
        try leap()
        #expect(now - Self.origin == .seconds(600))
    }

    @Test(
        "Renewals that fail are repeated ever closer to the end; then the mapping is gone, and is asked for after a pause"
    )
    func expiry() throws {
        table.want([4000], at: now)
        _ = serve(seconds: 800)
        var attempts: [Int64] = []
        while address(of: 4000) != nil {
            try leap()
            table.advance(to: now)
            guard next() != nil else { continue }
            attempts.append((now - Self.origin).components.seconds)
            table.fail(PortMappingError(.unsupported, "silent"), at: now)
        }
        #expect(attempts.starts(with: [400, 600, 700, 750, 775]))
        #expect(now - Self.origin == .seconds(800))
        #expect(fault(of: 4000) == .unsupported)
        try leap()
        #expect(!serve(seconds: 800).isEmpty)
        #expect(address(of: 4000) != nil)
    }

    @Test("A gateway that is silent is so for all ports, and is asked again after ten minutes")
    func silent() throws {
        table.want([4000, 4001], at: now)
        _ = next()
        table.fail(PortMappingError(.unsupported, "silent"), at: now)
        #expect(next() == nil)
        #expect(fault(of: 4000) == .unsupported && fault(of: 4001) == .unsupported)
        try leap()
        #expect(now - Self.origin == .seconds(600))
        #expect(serve().count == 3)
    }

    @Test("A port that is refused leaves the others alone")
    func refused() {
        table.want([4000, 4001], at: now)
        #expect(next() == .externalAddress)
        _ = answer(.externalAddress(Self.external))
        #expect(next() == .map(port: 4000, suggested: 0, seconds: 7200))
        table.fail(PortMappingError(.refused, "no"), at: now)
        #expect(serve() == [.map(port: 4001, suggested: 0, seconds: 7200)])
        #expect(fault(of: 4000) == .refused)
        #expect(address(of: 4001) != nil)
    }

    @Test("A port that nobody wants any more is unmapped; one that was never asked for is not")
    func removal() {
        table.want([4000, 4001], at: now)
        _ = next()
        _ = answer(.externalAddress(Self.external))
        #expect(next() == .map(port: 4000, suggested: 0, seconds: 7200))
        table.want([], at: now)
        // The gateway is about to map it.
        _ = answer(.mapping(port: 4000, external: 4000, seconds: 7200))
        #expect(!table.isIdle)
        #expect(next() == .unmap(port: 4000))
        #expect(table.result(of: 4000) == nil)
        _ = answer(.mapping(port: 4000, external: 0, seconds: 0))
        #expect(table.isIdle)
        #expect(table.deadline == nil)
    }

    @Test("A port that is wanted again before it was unmapped stays mapped")
    func secondThought() {
        table.want([4000], at: now)
        _ = serve()
        table.want([], at: now)
        table.want([4000], at: now)
        #expect(serve() == [.map(port: 4000, suggested: 0, seconds: 7200)])
    }

    @Test("At the end everything is unmapped at once")
    func farewell() {
        table.want([4000, 4001, 4002], at: now)
        _ = serve()
        let requests = table.takeFarewell()
        #expect(requests == [.unmap(port: 4000), .unmap(port: 4001), .unmap(port: 4002)])
    }

    @Test(
        "An answer to an earlier question is not taken for one to the present one, which is asked again, within limits")
    func strayAnswers() {
        table.want([4000, 4001], at: now)
        _ = next()
        _ = answer(.externalAddress(Self.external))
        let request = next()
        #expect(request == .map(port: 4000, suggested: 0, seconds: 7200))
        #expect(answer(.externalAddress(Self.external)) == request)
        #expect(answer(.mapping(port: 4001, external: 1, seconds: 10)) == request)
        #expect(answer(.mapping(port: 4000, external: 0, seconds: 0)) == request)
        var repetitions = 0
        while answer(.externalAddress(Self.external)) != nil, repetitions < 100 { repetitions += 1 }
        #expect(repetitions == 13)
        #expect(fault(of: 4000) == .other)
    }

    @Test(
        "A gateway whose clock has begun anew is asked for all mappings again within five seconds, with the ports they had"
    )
    func restart() throws {
        table.want([4000, 4001], at: now)
        _ = next()
        _ = answer(.externalAddress(Self.external))
        for port in [UInt16(4000), 4001] {
            _ = next()
            _ = answer(.mapping(port: port, external: port + 1000, seconds: 7200))
        }
        now = now + .seconds(100)
        epochBegin = now
        let announcement = GatewayResponse(content: .externalAddress(IPAddress(v4: 0xcb00_7102)), epoch: epoch)
        table.receive(announcement: announcement, at: now, using: &generator)
        #expect(address(of: 4000) == TransportAddress(IPAddress(v4: 0xcb00_7102), port: 5000))
        #expect(next() == nil)
        let told = now
        try leap()
        #expect(now - told > .zero && now - told < .seconds(5))
        #expect(
            serve() == [
                .externalAddress, .map(port: 4000, suggested: 5000, seconds: 7200),
                .map(port: 4001, suggested: 5001, seconds: 7200),
            ])
        #expect(address(of: 4000) == TransportAddress(Self.external, port: 5000))
    }

    @Test(
        "RFC 6886 §3.6: the gateway's clock may lag an eighth and two seconds behind",
        arguments: [(874, false), (873, false), (872, true)])
    func epochs(seconds: Int, hasRestarted: Bool) {
        var epoch = GatewayEpoch()
        let isFirst = !epoch.hasRestarted(0, at: Self.origin)
        #expect(isFirst)
        // The estimate is 875.
        let found = epoch.hasRestarted(UInt32(seconds), at: Self.origin + .seconds(1000))
        #expect(found == hasRestarted)
    }

    @Test("A gateway that has lost its address has lost its mappings until it has one again")
    func addressLost() throws {
        table.want([4000], at: now)
        _ = serve()
        now = now + .seconds(10)
        let none = GatewayResponse(content: .externalAddress(.any(.v4)), epoch: epoch)
        table.receive(announcement: none, at: now, using: &generator)
        #expect(fault(of: 4000) == .networkFailure)
        try leap()
        #expect(serve() == [.externalAddress, .map(port: 4000, suggested: 4000, seconds: 7200)])
        #expect(address(of: 4000) != nil)
    }

    @Test("Lifetimes of seconds do not make a flood of renewals")
    func shortLifetimes() throws {
        table.want([4000], at: now)
        var count = 0
        while now - Self.origin < .seconds(60) {
            count += serve(seconds: 1).count
            try leap()
        }
        #expect(count < 130)
    }

    @Test("Announcements are read with care", arguments: [0, 4, 11])
    func announcements(length: Int) {
        let bytes: [UInt8] = [0, 128, 0, 0, 0, 0, 1, 2, 203, 0, 113, 1]
        let read = GatewayResponse(announcement: bytes.span)
        #expect(read == GatewayResponse(content: .externalAddress(Self.external), epoch: 258))
        #expect(GatewayResponse(announcement: [UInt8](bytes.prefix(length)).span) == nil)
        for (index, value) in [(0, UInt8(2)), (1, 129), (2, 1), (3, 3)] {
            var wrong = bytes
            wrong[index] = value
            #expect(GatewayResponse(announcement: wrong.span) == nil)
        }
    }
}

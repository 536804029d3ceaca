import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Netlink messages")
    struct NetlinkTests {
        @Test("A link's index, name and flags are read")
        func link() throws {
            let bytes = netlink(
                Netlink.newLink, [0, 0] + half(1) + word(7) + word(0x1_1043) + word(0) + attribute(3, text("wlan0")))
            #expect(contents(bytes) == [.link(index: 7, name: "wlan0", flags: 0x1_1043)])
            #expect(
                contents(netlink(Netlink.deleteLink, [0, 0] + half(1) + word(7) + word(0) + word(0))) == [
                    .linkGone(index: 7)
                ])
        }

        @Test("What a bridge tells of a port is not taken for the link itself")
        func bridgePort() {
            let body = [7, 0] + half(1) + word(7) + word(0x43) + word(0) + attribute(3, text("wlan0"))
            #expect(contents(netlink(Netlink.deleteLink, body)).isEmpty)
        }

        @Test("The local end of a link from point to point is the address")
        func address() throws {
            let body =
                [2, 24, 0x80, 0] + word(3) + attribute(1, [192, 0, 2, 9]) + attribute(2, [192, 0, 2, 1])
            let ip = try #require(IPAddress("192.0.2.1"))
            #expect(
                contents(netlink(Netlink.newAddress, body)) == [.address(index: 3, ip, prefixLength: 24, flags: 0x80)])
            #expect(contents(netlink(Netlink.deleteAddress, body)) == [.addressGone(index: 3, ip)])
        }

        @Test("IPv6 addresses have their long flags, and link-local ones their scope")
        func v6() throws {
            let linkLocal: [UInt8] = [0xfe, 0x80] + Array(repeating: 0, count: 13) + [1]
            let body = [10, 64, 0, 253] + word(3) + attribute(1, linkLocal) + attribute(8, word(0x320))
            let ip = try #require(IPAddress("fe80::1%3"))
            #expect(
                contents(netlink(Netlink.newAddress, body)) == [.address(index: 3, ip, prefixLength: 64, flags: 0x320)])
        }

        @Test("Of routes only the main table's default ones are read")
        func routes() throws {
            func route(_ destination: UInt8 = 0, table: UInt8 = 254, type: UInt8 = 1, flags: UInt32 = 0) -> [UInt8] {
                netlink(
                    Netlink.newRoute,
                    [2, destination, 0, 0, table, 3, 0, type] + word(flags) + attribute(5, [192, 0, 2, 254])
                        + attribute(4, word(3)) + attribute(6, word(100)))
            }
            let expected = DefaultRoute(family: .v4, interface: 3, gateway: IPAddress("192.0.2.254"), metric: 100)
            #expect(contents(route()) == [.route(expected, replaces: false)])
            #expect(contents(route(24)).isEmpty)
            #expect(contents(route(table: 255)).isEmpty)
            #expect(contents(route(type: 7)).isEmpty)
            #expect(contents(route(flags: 0x200)).isEmpty)
        }

        @Test("A route over several ways has the first one's interface")
        func multipath() throws {
            let hop = half(8) + [0, 0] + word(5)
            let bytes = netlink(Netlink.newRoute, [10, 0, 0, 0, 254, 3, 0, 1] + word(0) + attribute(9, hop + hop))
            #expect(
                contents(bytes) == [
                    .route(DefaultRoute(family: .v6, interface: 5, gateway: nil, metric: 0), replaces: false)
                ])
        }

        @Test("Several messages in a datagram are read up to the first that is cut off")
        func several() {
            let one = netlink(Netlink.done, word(0), sequence: 9)
            let messages = NetlinkMessage.all(in: (one + one + one.dropLast()).span)
            #expect(messages.count == 2)
            #expect(messages.allSatisfy { $0.sequence == 9 && $0.content == .end })
        }

        @Test(
            "Hostile lengths are survived", arguments: [0, 1, 3, 4, 15, 16, 17, 0x7fff_ffff, 0xffff_ffff] as [UInt32])
        func hostileLengths(length: UInt32) {
            let address = [2, 24, 0, 0] + word(3) + attribute(1, [192, 0, 2, 1])
            for type in [Netlink.newLink, Netlink.newAddress, Netlink.newRoute, Netlink.done] {
                let good = netlink(type, address)
                _ = contents(word(length) + good.dropFirst(4))
                // The same in the length of the first attribute.
                let short = half(UInt16(truncatingIfNeeded: length))
                _ = contents(Array(good[..<24]) + short + good[26...])
            }
            #expect(
                contents(netlink(Netlink.newAddress, [2, 33, 0, 0] + word(3) + attribute(1, [1, 2, 3, 4]))).isEmpty)
            #expect(contents(netlink(Netlink.newAddress, [2, 24, 0, 0] + word(3) + attribute(1, [1, 2, 3]))).isEmpty)
            #expect(
                contents(netlink(Netlink.newAddress, [2, 24, 0, 0] + word(0) + attribute(1, [1, 2, 3, 4]))).isEmpty)
        }

        @Test("Random bytes and cut messages are survived")
        func randomBytes() {
            var generator = SystemRandomNumberGenerator()
            let good = netlink(
                Netlink.newLink, [0, 0] + half(1) + word(7) + word(0x43) + word(0) + attribute(3, text("wlan0")))
            for _ in 0..<20_000 {
                var bytes = Bool.random() ? good : good + good
                for _ in 0..<Int.random(in: 1...4) {
                    bytes[Int.random(in: bytes.indices)] = UInt8.random(in: 0...255, using: &generator)
                }
                _ = contents(Array(bytes.prefix(Int.random(in: 0...bytes.count))))
            }
        }

        private func contents(_ bytes: [UInt8]) -> [NetlinkMessage.Content] {
            NetlinkMessage.all(in: bytes.span).map(\.content)
        }
    }

    @Suite("Reading netlink")
    struct NetlinkReadingTests {
        private let link = [0, 0] + half(1) + word(3) + word(0x43) + word(0) + attribute(3, text("eth0"))

        @Test("Everything is listed once, one kind after the other, and then known")
        func listing() throws {
            var reading = NetlinkReading()
            #expect(!reading.isSettled)
            try answerAll(&reading)
            #expect(reading.isSettled)
            #expect(isWaiting(&reading))
            #expect(reading.snapshot.addresses.map(\.ip) == [IPAddress("192.0.2.1")])
            #expect(reading.snapshot.links.map(\.name) == ["eth0"])
        }

        @Test("After a loss all is listed anew, and what is gone meanwhile is gone")
        func loss() throws {
            var reading = NetlinkReading()
            try answerAll(&reading)
            reading.noteLoss()
            #expect(!reading.isSettled)
            while let (request, sequence) = reading.nextRequest() {
                if request == .links { reading.receive(netlink(Netlink.newLink, link, sequence: sequence).span) }
                reading.receive(netlink(Netlink.done, word(0), sequence: sequence).span)
            }
            #expect(reading.isSettled)
            #expect(reading.snapshot.addresses.isEmpty)
        }

        @Test("A listing that was interrupted is made again")
        func interrupted() throws {
            var reading = NetlinkReading()
            try answerAll(&reading, flags: Netlink.flagInterrupted)
            #expect(!reading.isSettled)
            let next = reading.nextRequest()
            #expect(next?.request == .links)
        }

        @Test(
            "With an address or interface go its IPv4 routes, of which the kernel says nothing", arguments: [0, 1, 2])
        func silentRoutes(way: Int) throws {
            var reading = NetlinkReading()
            try answerAll(&reading)
            let route = [2, 0, 0, 0, 254, 3, 0, 1] + word(0) + attribute(4, word(3))
            reading.receive(netlink(Netlink.newRoute, route).span)
            #expect(reading.isSettled)
            #expect(reading.snapshot.defaultRoute(.v4)?.interface == 3)
            let notice =
                switch way {
                case 0: netlink(Netlink.deleteAddress, address)
                case 1: netlink(Netlink.deleteLink, [0, 0] + half(1) + word(3) + word(0) + word(0))
                default: netlink(Netlink.newLink, Array(link[..<8]) + word(0x2) + link[12...])
                }
            reading.receive(notice.span)
            #expect(!reading.isSettled)
        }

        @Test("An interface without a carrier is told from one that is switched off")
        func carrier() throws {
            var reading = NetlinkReading()
            try answerAll(&reading)
            let before = reading.snapshot
            reading.receive(netlink(Netlink.newLink, Array(link[..<8]) + word(0x3) + link[12...]).span)
            let changes = reading.snapshot.changes(since: before)
            #expect(changes.first == .linkDown(NetworkLink(name: "eth0", index: 3, isUp: true, isRunning: false)))
            #expect(changes.count == 2)
            reading.receive(netlink(Netlink.newLink, link).span)
            #expect(reading.snapshot == before)
        }

        @Test("A route that replaces another takes its place")
        func replaced() throws {
            var reading = NetlinkReading()
            try answerAll(&reading)
            for (router, flags) in [(UInt8(1), UInt16(0)), (2, Netlink.flagReplace)] {
                let route =
                    [2, 0, 0, 0, 254, 3, 0, 1] + word(0) + attribute(4, word(3)) + attribute(5, [10, 0, 0, router])
                reading.receive(netlink(Netlink.newRoute, route, flags: flags).span)
            }
            #expect(reading.snapshot.defaultRoutes.map(\.gateway) == [IPAddress("10.0.0.2")])
        }

        private func isWaiting(_ reading: inout NetlinkReading) -> Bool { reading.nextRequest() == nil }

        private var address: [UInt8] { [2, 24, 0x80, 0] + word(3) + attribute(2, [192, 0, 2, 1]) }

        private func answerAll(_ reading: inout NetlinkReading, flags: UInt16 = 0) throws {
            for expected in NetlinkReading.Request.allCases {
                let next = reading.nextRequest()
                let (request, sequence) = try #require(next)
                #expect(request == expected)
                #expect(isWaiting(&reading))
                if request == .links { reading.receive(netlink(Netlink.newLink, link, sequence: sequence).span) }
                if request == .addresses {
                    reading.receive(netlink(Netlink.newAddress, address, sequence: sequence).span)
                }
                reading.receive(netlink(Netlink.done, word(0), sequence: sequence, flags: flags).span)
            }
        }
    }
}

// MARK: - Making messages

private func half(_ value: UInt16) -> [UInt8] {
    UInt16(littleEndian: 1) == 1
        ? [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)] : [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
}

private func word(_ value: UInt32) -> [UInt8] {
    let (low, high) = (half(UInt16(truncatingIfNeeded: value)), half(UInt16(value >> 16)))
    return UInt16(littleEndian: 1) == 1 ? low + high : high + low
}

private func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

private func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: Netlink.aligned(value.count) - value.count)
    return half(UInt16(value.count + 4)) + half(type) + value + padding
}

private func netlink(_ type: UInt16, _ body: [UInt8], sequence: UInt32 = 0, flags: UInt16 = 0) -> [UInt8] {
    word(UInt32(body.count + 16)) + half(type) + half(flags) + word(sequence) + word(0) + body
}

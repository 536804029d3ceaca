import Foundation
import NetBase
import Synchronization
import Testing

@testable import UV

#if canImport(Glibc)
    import Glibc
#endif

extension UVTests {
    @Suite("Watching the network")
    struct NetworkMonitorTests {
        @Test("What is there is known from the start, and the same as the interfaces tell", arguments: [false, true])
        func snapshot(looks: Bool) throws {
            let loop = try EventLoop()
            let monitor = looks ? try NetworkMonitor(on: loop, lookingEvery: .seconds(2)) : try NetworkMonitor(on: loop)
            let addresses = try NetworkInterfaces.addresses()
            #expect(Set(monitor.snapshot.addresses.map(\.ip)) == Set(addresses.map(\.ip)))
            #expect(monitor.snapshot.addresses == addresses.sorted())
            #expect(monitor.snapshot.links.contains { $0.isUsable })
            loop.close()
        }

        @Test("A loop that is closed can't be watched on")
        func closedLoop() throws {
            let loop = try EventLoop()
            loop.close()
            #expect(throws: NetworkError.self) { try NetworkMonitor(on: loop) }
            #expect(throws: NetworkError.self) { try NetworkMonitor(on: loop, lookingEvery: .seconds(2)) }
        }

        #if os(Linux)
            @Test(
                "Every change in a network namespace is told, and told once",
                .enabled(if: Namespace.isAvailable, "needs root, ip(8) and network namespaces"))
            func changes() throws {
                let report = try #require(Namespace.run { Self.tour() })
                let address = try #require(IPAddress("192.0.2.1"))
                let v6 = try #require(IPAddress("2001:db8::1"))
                let names = report.steps.map { $0.map(\.name) }
                #expect(names[0].contains("linkUp d0"))
                #expect(names[0].contains("addressAdded \(address)"))
                #expect(names[1] == ["addressAdded \(v6)"])
                #expect(names[2] == ["preferenceChanged \(v6) true"])
                #expect(names[3] == ["defaultRouteChanged v4 192.0.2.254"])
                #expect(names[4] == ["defaultRouteChanged v4 192.0.2.253"])
                #expect(names[5] == ["addressRemoved \(address)", "defaultRouteChanged v4 -"])
                #expect(names[6].contains("linkDown d0 false"))
                #expect(names[6].contains("addressRemoved \(v6)"))
                #expect(report.hasReportedNothingTwice)
            }

            @Test(
                "What was dropped in a flood of changes is found out",
                .enabled(if: Namespace.isAvailable, "needs root, ip(8) and network namespaces"))
            func flood() throws {
                let steps = try #require(Namespace.run { Self.flood() })
                #expect(steps == 1_001)
            }

            private struct Report: Sendable {
                var steps: [[NetworkChange]] = []
                var hasReportedNothingTwice = true
            }

            private static func tour() -> Report? {
                guard let loop = try? EventLoop(), let monitor = try? NetworkMonitor(on: loop) else { return nil }
                var report = Report()
                var told: [NetworkChange] = []
                monitor.onChange = { changes in
                    if changes.contains(where: told.contains) { report.hasReportedNothingTwice = false }
                    told += changes
                }
                let commands = [
                    [
                        "link add d0 type veth peer name d1", "addr add 192.0.2.1/24 dev d0", "link set d1 up",
                        "link set d0 up",
                    ],
                    ["addr add 2001:db8::1/64 dev d0 nodad"],
                    ["addr change 2001:db8::1/64 dev d0 preferred_lft 0 valid_lft 1000"],
                    ["route add default via 192.0.2.254"],
                    ["route replace default via 192.0.2.253"],
                    ["addr del 192.0.2.1/24 dev d0"],
                    ["link set d0 down"],
                ]
                for (index, batch) in commands.enumerated() {
                    guard Namespace.ip(batch) else { return nil }
                    // Link-local addresses come by themselves, somewhat later.
                    func news() -> [NetworkChange] {
                        told.filter { !$0.name.contains("fe80") && !$0.name.contains("d1") }
                    }
                    let expected = [2, 1, 1, 1, 1, 2, 2][index]
                    _ = loop.run(until: { news().count >= expected }, atMost: patience)
                    report.steps.append(news())
                    told = []
                }
                monitor.close()
                loop.close()
                return report
            }

            /// The number of addresses that are known after more notices than a socket's buffer holds.
            private static func flood() -> Int? {
                guard let loop = try? EventLoop(), let monitor = try? NetworkMonitor(on: loop) else { return nil }
                let adding = (0..<1000).map { "addr add 10.0.\($0 / 250).\($0 % 250 + 1)/32 dev d0" }
                let removing = (0..<1000).map { "addr del 10.0.\($0 / 250).\($0 % 250 + 1)/32 dev d0" }
                guard
                    Namespace.ip(
                        ["link add d0 type veth peer name d1", "link set d1 up", "link set d0 up"] + adding + removing
                            + adding + ["addr add 192.0.2.1/24 dev d0"])
                else { return nil }
                func count() -> Int { monitor.snapshot.addresses.count { $0.interface == "d0" && $0.ip.family == .v4 } }
                _ = loop.run(until: { count() == 1_001 }, atMost: patience)
                loop.close()
                return count()
            }
        #endif
    }
}

#if os(Linux)
    /// A network of one thread's own, which goes with it.
    private enum Namespace {
        static let isAvailable = run { ip(["link show"]) } == true

        static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result?) -> Result? {
            let box = Box<Result?>(nil)
            let isDone = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                if leave() { box.value.withLock { $0 = body() } }
                isDone.signal()
            }
            isDone.wait()
            return box.value.withLock { $0 }
        }

        /// Gives the calling thread a network of its own: unshare(CLONE_NEWNET), which Swift does not see in the headers.
        private static func leave() -> Bool {
            typealias Unshare = @convention(c) (Int32) -> Int32
            guard let symbol = unsafe dlsym(nil, "unshare") else { return false }
            return unsafe unsafeBitCast(symbol, to: Unshare.self)(0x4000_0000) == 0
        }

        private final class Box<Value: Sendable>: Sendable {
            let value: Mutex<Value>
            init(_ initial: Value) { value = Mutex(initial) }
        }

        /// Runs commands of ip(8) in the calling thread's network.
        static func ip(_ commands: [String]) -> Bool {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            defer { try? FileManager.default.removeItem(at: file) }
            guard (try? Data((commands.joined(separator: "\n") + "\n").utf8).write(to: file)) != nil else {
                return false
            }
            return unsafe system("ip -batch '\(file.path)' >/dev/null 2>&1") == 0
        }
    }

    extension NetworkChange {
        /// What the tests compare.
        fileprivate var name: String {
            switch self {
            case .addressAdded(let address): "addressAdded \(address.ip)"
            case .addressRemoved(let address): "addressRemoved \(address.ip)"
            case .preferenceChanged(let address): "preferenceChanged \(address.ip) \(address.isDeprecated)"
            case .linkUp(let link): "linkUp \(link.name)"
            case .linkDown(let link): "linkDown \(link.name) \(link.isUp)"
            case .defaultRouteChanged(let family, let route):
                "defaultRouteChanged \(family) \(route?.gateway?.description ?? "-")"
            }
        }
    }
#endif

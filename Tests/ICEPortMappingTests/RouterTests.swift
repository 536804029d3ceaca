#if canImport(CNATPMP) && os(Linux)
    import Foundation
    import ICE
    import Testing

    @testable import ICEPortMapping

    @Suite(
        "NAT-PMP with miniupnpd",
        .enabled(if: Router.isAvailable, "needs root, ip(8), nft(8), miniupnpd(8) and network namespaces"))
    struct RouterTests {
        private struct Facts: Sendable {
            var told: [String] = []
            var received: [String] = []
            var candidates: [String] = []
            var wasUnmapped = false
            var log = ""
        }

        @Test(
            "A port is reached from outside once there is a route, and again after the router was restarted, until it is unmapped"
        )
        func reached() throws {
            let facts = Namespace.run { Self.tour() }
            let found = try #require(facts)
            #expect(found.told.first == "noGateway", "\(found.log)")
            #expect(
                found.told.dropFirst().allSatisfy { $0.hasPrefix("11.22.33.1:") } && found.told.count > 1,
                "\(found.log)")
            #expect(found.received == ["before", "after"], "\(found.log)")
            #expect(found.candidates.contains { $0.hasPrefix("serverReflexive 11.22.33.1:") }, "\(found.candidates)")
            #expect(found.wasUnmapped, "\(found.log)")
        }

        private static func tour() -> Facts? {
            guard let router = Router() else { return nil }
            defer { router.remove() }
            guard let loop = try? EventLoop(),
                let socket = try? UDPSocket(on: loop, boundTo: TransportAddress(Router.host, port: 0))
            else { return nil }
            defer { loop.close() }
            var facts = Facts()
            defer { facts.log = router.log }
            var heard: [String] = []
            socket.onDatagram = { bytes, _ in
                heard.append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
            }
            let client = NATPMPClient(loop: loop)
            var outside: TransportAddress?
            let mapping = client.mapPort(of: socket.localAddress) { result in
                outside = try? result.get()
                switch result {
                case .success(let address): facts.told.append("\(address)")
                case .failure(let error): facts.told.append("\(error.code)")
                }
            }
            _ = loop.run(until: { !facts.told.isEmpty }, atMost: patience)
            guard router.addRoute() else { return facts }
            _ = loop.run(until: { outside != nil }, atMost: patience)

            func isReached(_ word: String) -> Bool {
                for _ in 0..<100 where !heard.contains(word) {
                    if let outside { router.send(word, to: outside) }
                    _ = loop.run(until: { heard.contains(word) }, atMost: .milliseconds(100))
                }
                return heard.contains(word)
            }
            if isReached("before") { facts.received.append("before") }
            // Its clock has to have gone on for more than two seconds before it can go back by that.
            _ = loop.run(until: { false }, atMost: .seconds(3))
            guard router.restart() else { return facts }
            if isReached("after") { facts.received.append("after") }

            let caller = ICEClient(loop: loop)
            caller.portMapper = client
            caller.gatherCandidates()
            _ = loop.run(until: { caller.gatheringState == .complete }, atMost: patience)
            facts.candidates = caller.localCandidates.map { "\($0.kind) \($0.address)" }
            caller.close()
            mapping?.close()
            for _ in 0..<100 where router.hasMappings {
                _ = loop.run(until: { false }, atMost: .milliseconds(100))
            }
            facts.wasUnmapped = !router.hasMappings
            return facts
        }
    }

    /// A router between the calling thread's network and another one, with miniupnpd on it.
    private final class Router {
        static let host = IPAddress(v4: 0xc0a8_4d02)
        private static let programs = ["ip", "nft", "miniupnpd"]
        static let isAvailable =
            Namespace.isAvailable
            && programs.allSatisfy { program in
                ["/usr/sbin/", "/sbin/", "/usr/bin/"].contains {
                    FileManager.default.isExecutableFile(atPath: $0 + program)
                }
            }

        private let name = "ice-\(UInt32.random(in: 0 ... .max))"
        private let folder: URL
        private var daemon: Process?
        private var inside: String { "ip netns exec \(name)" }

        /// Sets it up; there is no default route yet.
        init?() {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent(name)
            try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            guard write("rules", Self.rules), write("miniupnpd.conf", Self.settings),
                Namespace.shell(
                    """
                    ip netns add \(name)
                    ip netns add \(name)-out
                    ip link add eth0 type veth peer name lan netns \(name)
                    ip -n \(name) link add wan type veth peer name eth0 netns \(name)-out
                    ip address add 192.168.77.2/24 dev eth0
                    ip -n \(name) address add 192.168.77.1/24 dev lan
                    ip -n \(name) address add 11.22.33.1/24 dev wan
                    ip -n \(name)-out address add 11.22.33.2/24 dev eth0
                    ip link set eth0 up
                    for link in lo lan wan; do ip -n \(name) link set $link up; done
                    ip -n \(name)-out link set eth0 up
                    \(inside) sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
                    \(inside) nft -f \(folder.path)/rules
                    """), start()
            else {
                remove()
                return nil
            }
        }

        func remove() {
            stop()
            Namespace.shell("ip netns delete \(name)-out")
            Namespace.shell("ip netns delete \(name)")
            try? FileManager.default.removeItem(at: folder)
        }

        var log: String { (try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)) ?? "" }

        func addRoute() -> Bool { Namespace.shell("ip route add default via 192.168.77.1") }

        /// Loses all mappings, and announces its address when it is back: of itself miniupnpd does so in PCP's words alone.
        func restart() -> Bool {
            stop()
            guard Namespace.shell("\(inside) nft flush ruleset; \(inside) nft -f \(folder.path)/rules"), start(),
                let daemon
            else { return false }
            return kill(daemon.processIdentifier, SIGUSR1) == 0
        }

        /// Sends a word from outside.
        func send(_ word: String, to address: TransportAddress) {
            Namespace.shell(
                "ip netns exec \(name)-out bash -c 'echo -n \(word) >/dev/udp/\(address.ip)/\(address.port)'")
        }

        var hasMappings: Bool {
            Namespace.shell("\(inside) nft list chain inet nat mapped | grep -q 192.168.77.2")
        }

        private func write(_ file: String, _ text: String) -> Bool {
            (try? Data(text.utf8).write(to: folder.appendingPathComponent(file))) != nil
        }

        private func start() -> Bool {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "ip", "netns", "exec", name, "miniupnpd", "-d", "-f", folder.path + "/miniupnpd.conf", "-P",
                folder.path + "/pid",
            ]
            let path = folder.appendingPathComponent("log").path
            if !FileManager.default.fileExists(atPath: path) {
                _ = FileManager.default.createFile(atPath: path, contents: nil)
            }
            guard let log = FileHandle(forWritingAtPath: path) else { return false }
            log.seekToEndOfFile()
            process.standardOutput = log
            process.standardError = log
            // Threads of Foundation's hold signals back, and so would what they start.
            var none = sigset_t()
            unsafe sigemptyset(&none)
            unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
            guard (try? process.run()) != nil else { return false }
            daemon = process
            return Namespace.shell(
                "for i in $(seq 100); do \(inside) ss -lun | grep -q :5351 && exit 0; sleep 0.05; done; exit 1")
        }

        private func stop() {
            guard let daemon else { return }
            // As without power.
            kill(daemon.processIdentifier, SIGKILL)
            daemon.waitUntilExit()
            self.daemon = nil
        }

        private static let rules = """
            table inet filter {
              chain forward { type filter hook forward priority 0; policy drop; jump forwarded; ct state established accept; iifname lan accept; }
              chain forwarded { }
            }
            table inet nat {
              chain prerouting { type nat hook prerouting priority -100; jump mapped; }
              chain postrouting { type nat hook postrouting priority 100; oifname wan masquerade; jump mapped_back; }
              chain mapped { }
              chain mapped_back { }
            }

            """

        // miniupnpd maps nothing on an address that is for documentation: the one outside is such as it takes for a public one.
        private static let settings = """
            ext_ifname=wan
            listening_ip=lan
            enable_natpmp=yes
            enable_upnp=no
            secure_mode=yes
            system_uptime=no
            upnp_table_name=filter
            upnp_nat_table_name=nat
            upnp_forward_chain=forwarded
            upnp_nat_chain=mapped
            upnp_nat_postrouting_chain=mapped_back
            uuid=00000000-0000-0000-0000-000000000000
            allow 1024-65535 192.168.77.0/24 1024-65535
            deny 0-65535 0.0.0.0/0 0-65535

            """
    }
#endif

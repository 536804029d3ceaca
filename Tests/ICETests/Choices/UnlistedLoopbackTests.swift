import ICE
import Testing

#if os(Linux)
    @Suite("Addresses of 127.0.0.0/8 that no interface lists")
    struct UnlistedLoopbackTests {
        private static let ip = IPAddress(v4: 0x7f00_0102)

        private func candidates(of client: ICEClient, on loop: EventLoop) -> [IPAddress] {
            client.gatherCandidates()
            let isComplete = loop.run(until: { client.gatheringState == .complete }, atMost: .seconds(5))
            #expect(isComplete)
            return client.localCandidates.map(\.address.ip)
        }

        @Test("One that the configuration names is gathered on, and none that it does not name")
        func named() throws {
            let loop = try EventLoop()
            defer { loop.close() }
            var configuration = ICEConfiguration()
            configuration.localAddresses = [Self.ip]
            #expect(candidates(of: ICEClient(loop: loop, configuration: configuration), on: loop) == [Self.ip])
            configuration.localAddresses = nil
            configuration.includesLoopback = true
            #expect(!candidates(of: ICEClient(loop: loop, configuration: configuration), on: loop).contains(Self.ip))
        }

        @Test("One that a shared port is open on is gathered on")
        func sharedPort() throws {
            let loop = try EventLoop()
            defer { loop.close() }
            let port = try SharedPort(loop: loop, configuration: SharedPortConfiguration(port: 0, addresses: [Self.ip]))
            let client = try ICEClient(port: port)
            #expect(candidates(of: client, on: loop) == [Self.ip])
            #expect(client.localCandidates.map(\.address) == port.localAddresses)
        }
    }
#endif

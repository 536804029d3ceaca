import ICETesting
import NetBase
import Testing
import UV

@testable import ICE

@Suite("Ports and DSCP of the candidates' sockets")
struct SocketChoiceTests {
    private func client(on host: SimulatedHost, _ range: ClosedRange<UInt16>?) -> ICEClient {
        var configuration = ICEConfiguration()
        configuration.portRange = range
        return ICEClient(on: host, configuration: configuration)
    }

    @Test("Sockets have ports within the range, all of which are found, however few", arguments: [0, 1, 4])
    func range(_ taken: Int) throws {
        let network = SimulatedNetwork(seed: 61)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        for port in 0..<taken { _ = try host.bind(TransportAddress("192.0.2.1", port: UInt16(4000 + port))) }
        let client = client(on: host, 4000...4004)
        client.gatherCandidates()
        network.run(for: .milliseconds(1))
        let ports = client.localCandidates.map(\.address.port)
        #expect(ports.count == 1)
        #expect(ports.allSatisfy { (UInt16(4000 + taken)...4004).contains($0) })
    }

    @Test("A large range is used here and there")
    func largeRange() {
        let network = SimulatedNetwork(seed: 62)
        let host = network.makeHost("a", addresses: (1...30).map { IPAddress(v4: 0xc000_0200 | $0) })
        let client = client(on: host, 20_000...29_999)
        client.gatherCandidates()
        network.run(for: .milliseconds(1))
        let ports = Set(client.localCandidates.map(\.address.port))
        #expect(ports.count > 25 && ports.allSatisfy { 20_000...29_999 ~= $0 })
    }

    @Test("Where no port of the range is free, the error names the range and gathering ends")
    func exhausted() throws {
        let network = SimulatedNetwork(seed: 63)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        for port in UInt16(4000)...4002 { _ = try host.bind(TransportAddress("192.0.2.1", port: port)) }
        let client = client(on: host, 4000...4002)
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        client.gatherCandidates()
        network.run(for: .milliseconds(1))
        #expect(errors.map(\.errorCode) == [701])
        #expect(errors.first?.errorText.contains("4000 to 4002") == true)
        #expect(client.gatheringState == .complete)
        #expect(client.localCandidates.isEmpty)
    }

    @Test("Where a socket can't be bound without a range, the error says what to do; an address that has gone is none")
    func unbound() {
        for (code, advice) in [
            (NetworkError.Code.outOfResources, "ulimit -n"), (.addressInUse, "all ports of the address are taken"),
            (.notPermitted, "sandbox"), (.addressNotAvailable, nil),
        ] {
            let platform = FakePlatform()
            platform.addresses = [InterfaceAddress(interface: "eth0", index: 2, ip: "192.0.2.1", prefixLength: 24)]
            platform.bindError = NetworkError(code, name: "EWHATEVER", operation: "bind 192.0.2.1:0")
                .binding(to: "192.0.2.1:0")
            let client = ICEClient(platform: platform, configuration: ICEConfiguration())
            var errors: [CandidateError] = []
            client.onCandidateError = { errors.append($0) }
            client.gatherCandidates()
            platform.run(for: .seconds(1))
            #expect(errors.count == (advice == nil ? 0 : 1))
            #expect(errors.allSatisfy { $0.errorText.contains(advice ?? "") && $0.errorText.contains("EWHATEVER") })
            #expect(client.gatheringState == .complete)
        }
    }

    @Test("Where names hide addresses, an error about a socket shows none")
    func unboundAndHidden() {
        let platform = FakePlatform()
        platform.addresses = [InterfaceAddress(interface: "eth0", index: 2, ip: "192.0.2.1", prefixLength: 24)]
        platform.bindError = NetworkError(.outOfResources, name: "EMFILE", operation: "bind 192.0.2.1:0")
            .binding(to: "192.0.2.1:0")
        var configuration = ICEConfiguration()
        configuration.multicastDNS = .publish
        let client = ICEClient(platform: platform, configuration: configuration)
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        client.gatherCandidates()
        platform.run(for: .seconds(1))
        #expect(errors.contains { $0.errorText.contains("EMFILE") && $0.errorText.contains("ulimit -n") })
        #expect(!errors.contains { $0.errorText.contains("192.0.2.1") })
    }

    @Test("A range that takes a privilege is not to be widened")
    func privileged() {
        let platform = FakePlatform()
        platform.addresses = [InterfaceAddress(interface: "eth0", index: 2, ip: "192.0.2.1", prefixLength: 24)]
        platform.bindError = NetworkError(.notPermitted, name: "EACCES", operation: "bind 192.0.2.1:80")
            .binding(to: "192.0.2.1:80")
        var configuration = ICEConfiguration()
        configuration.portRange = 80...90
        let client = ICEClient(platform: platform, configuration: configuration)
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        client.gatherCandidates()
        platform.run(for: .seconds(1))
        #expect(errors.map(\.errorText).first?.contains("CAP_NET_BIND_SERVICE") == true)
        #expect(errors.allSatisfy { !$0.errorText.contains("widen") })
    }

    @Test("Ports are tried 64 times at the most, each of a small range once, and never port 0")
    func attempts() {
        var generator = SystemRandomNumberGenerator()
        #expect(ICEClient.ports(in: 1...65_535, using: generator).count == 64)
        #expect(ICEClient.ports(in: 7...70, using: generator).sorted() == Array(7...70))
        #expect(ICEClient.ports(in: 0...1, using: generator) == [1])
        #expect(ICEClient.ports(in: 0...0, using: generator) == [1])
        _ = generator.next()
    }

    @Test(
        "DSCP is set on the sockets as the system has them",
        arguments: STUNClientLoopbackTests.families.map { IPAddress.loopback($0) })
    func codePoint(_ ip: IPAddress) throws {
        let loop = try EventLoop()
        var configuration = ICEConfiguration()
        configuration.includesLoopback = true
        configuration.localAddresses = [ip]
        configuration.differentiatedServicesCodePoint = 46
        let client = ICEClient(loop: loop, configuration: configuration)
        client.gatherCandidates()
        let sockets = client.sockets.compactMap { $0.socket as? UDPSocket }
        #expect(try sockets.map { try $0.typeOfService } == [46 << 2])
        client.close()
        loop.close()
    }

    @Test("Without a DSCP, or with one out of range, the system's stays", arguments: [nil, 64, 255] as [UInt8?])
    func noCodePoint(_ codePoint: UInt8?) throws {
        let loop = try EventLoop()
        var configuration = ICEConfiguration()
        configuration.includesLoopback = true
        configuration.localAddresses = [.loopback(.v4)]
        configuration.differentiatedServicesCodePoint = codePoint
        let client = ICEClient(loop: loop, configuration: configuration)
        client.gatherCandidates()
        #expect(try client.sockets.compactMap { try ($0.socket as? UDPSocket)?.typeOfService } == [0])
        client.close()
        loop.close()
    }

    @Test("A port range holds on the real loop too")
    func rangeOnLoop() throws {
        let loop = try EventLoop()
        let call = LoopbackCall(on: loop) { $0.portRange = 20_000...60_000 }
        call.start()
        #expect(loop.run(until: { call.states == [.completed, .completed] }, atMost: .seconds(10)))
        #expect(call.clients.flatMap(\.localCandidates).allSatisfy { 20_000...60_000 ~= $0.address.port })
        call.close()
        loop.close()
    }

    @Test("Addresses that the machine does not have are named as the reason why there is no candidate")
    func foreignAddresses() {
        let network = SimulatedNetwork(seed: 3)
        var configuration = ICEConfiguration()
        configuration.localAddresses = ["203.0.113.7"]
        let client = ICEClient(on: network.makeHost("a", addresses: ["192.0.2.1"]), configuration: configuration)
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        client.gatherCandidates()
        network.run(for: .seconds(1))
        #expect(client.localCandidates.isEmpty && client.gatheringState == .complete)
        #expect(errors.map(\.url) == [""] && errors.first?.errorText.contains("localAddresses") == true)
        client.close()
    }
}

import ICE
import Testing

@Suite(
    "NAT behaviour discovery against a real coturn",
    .enabled(if: Coturn.isInstalled, "turnserver, of the package coturn, is not installed"))
struct NATDiscoveryCoturnTests {
    @Test("A8.1, A8.2: on loopback there is neither NAT nor filter, and a coturn with two addresses shows it")
    func loopback() throws {
        let loop = try EventLoop()
        let coturn = try Coturn.start(on: loop, discovery: true)
        let client = try coturn.client(over: .udp, on: loop)
        var results: [Result<NATReport, STUNClientError>] = []
        client.discoverNATBehavior { results.append($0) }
        #expect(results.isEmpty)
        #expect(loop.run(until: { !results.isEmpty }, atMost: .seconds(20)))
        let report = try #require(results.first).get()
        #expect(report.mapping == .noNAT)
        #expect(report.filtering == .endpointIndependent)
        #expect(report.verdict == .directToAll)
        #expect(report.gaps == [] && report.publicAddress == report.localAddress && report.preservesPort == true)
        client.close()
        coturn.stop()
        loop.close()
    }

    @Test("A8.3: a coturn with one address names no other, and the report says so")
    func oneAddress() throws {
        let loop = try EventLoop()
        let coturn = try Coturn.start(on: loop)
        let client = try coturn.client(over: .udp, on: loop)
        var results: [Result<NATReport, STUNClientError>] = []
        client.discoverNATBehavior { results.append($0) }
        #expect(loop.run(until: { !results.isEmpty }, atMost: .seconds(20)))
        #expect(try #require(results.first).get().gaps == [.noOtherAddress])
        client.close()
        coturn.stop()
        loop.close()
    }
}

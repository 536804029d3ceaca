import Foundation
import ICETesting
import NetBase
import Testing

/// Chatter over impaired links between two hosts and whoever else is on the network.
private func chatter(seed: UInt64, extraHost: Bool = false) throws -> SimulatedNetwork {
    let network = SimulatedNetwork(seed: seed)
    network.isTracing = true
    let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .symmetric)
    if extraHost {
        let extra = network.makeHost("extra", addresses: ["192.0.2.99"])
        extra.link.setConditions(LinkConditions(delay: .milliseconds(3), jitter: .milliseconds(3), loss: 0.5))
        let socket = try extra.bind("192.0.2.99:0")
        for _ in 0..<20 { try socket.send([0].span, to: "192.0.2.99:1") }
    }
    let a = network.makeHost("a", addresses: ["192.168.0.2"], behind: nat)
    let b = network.makeHost("b", addresses: ["192.0.2.2"])
    a.link.setConditions(
        LinkConditions(delay: .milliseconds(8), jitter: .milliseconds(9), loss: 0.2, duplication: 0.1, reordering: 0.2))
    let echo = try b.bind("192.0.2.2:7")
    echo.onDatagram = { [weak echo] bytes, source in try? echo?.send(bytes, to: source) }
    let socket = try a.bind("0.0.0.0:0")
    for number in 0..<50 {
        try socket.send([UInt8(number)].span, to: "192.0.2.2:7")
        network.run(for: .milliseconds(2))
    }
    network.run(for: .seconds(1))
    return network
}

@Suite("The same seed gives the same run")
struct DeterminismTests {
    @Test("Two networks with one seed have equal traces, and other seeds other ones")
    func seeds() throws {
        let first = try chatter(seed: 1)
        #expect(first.trace.count > 100)
        #expect(try chatter(seed: 1).trace == first.trace)
        #expect(try chatter(seed: 1).traceText == first.traceText)
        #expect(try chatter(seed: 2).trace != first.trace)
    }

    @Test("One more host does not change what happens to the others")
    func independence() throws {
        let alone = try chatter(seed: 1).trace
        let accompanied = try chatter(seed: 1, extraHost: true).trace
        #expect(accompanied.filter { $0.place != "extra" } == alone)
        #expect(accompanied.count > alone.count)
    }

    @Test("A record's text is stable, down to the digest")
    func text() throws {
        let network = SimulatedNetwork(seed: 1)
        network.isTracing = true
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        network.run(for: .milliseconds(1500))
        try host.bind("192.0.2.1:5000").send(Array("foobar".utf8).span, to: "192.0.2.2:6000")
        network.run(for: .zero)
        // 85944171f73967e8 is the published FNV-1a test vector for "foobar".
        #expect(
            network.traceText == """
                1.500000000 sent a udp 192.0.2.1:5000 > 192.0.2.2:6000 6 bytes 85944171f73967e8
                1.500000000 noRoute internet udp 192.0.2.1:5000 > 192.0.2.2:6000 6 bytes 85944171f73967e8

                """)
    }

    @Test("Streams of one seed differ by their names, and are the same every time")
    func streams() {
        var a = SeededGenerator(seed: 1, stream: "a")
        var b = SeededGenerator(seed: 1, stream: "b")
        var again = SeededGenerator(seed: 1, stream: "a")
        let numbers = (0..<8).map { _ in a.next() }
        #expect(numbers == (0..<8).map { _ in again.next() })
        #expect(Set(numbers).isDisjoint(with: (0..<8).map { _ in b.next() }))
    }

    @Test("A host's generators follow from its name and their number, not from other hosts")
    func hostGenerators() {
        func draw(_ names: [String]) -> [UInt64] {
            let network = SimulatedNetwork(seed: 3)
            let host = names.map { network.makeHost($0) }.first { $0.name == "a" }
            return (0..<2).compactMap { _ in
                var generator = host?.makeRandomNumberGenerator()
                return generator?.next()
            }
        }
        #expect(draw(["a"]) == draw(["b", "a"]))
        #expect(Set(draw(["a"])).count == 2)
    }

    @Test("Two processes print the same trace of a whole call for the same seed", arguments: [11, 12, 13])
    func processes(_ seed: Int) throws {
        let first = try runTrace(seed: seed)
        #expect(String(decoding: first, as: UTF8.self).contains("callee received 8 bytes"))
        #expect(try runTrace(seed: seed) == first)
        #expect(try runTrace(seed: seed + 100) != first)
    }
}

/// What the `simulated-trace` program, which lies somewhere above the test bundle's code, prints for a seed.
private func runTrace(seed: Int) throws -> Data {
    let runner = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let folders = [runner, Bundle.main.bundleURL] + Bundle.allBundles.map(\.bundleURL)
    let candidates = folders.flatMap { folder in
        sequence(first: folder, next: { $0.path == "/" ? nil : $0.deletingLastPathComponent() })
            .prefix(6).map { $0.appendingPathComponent("simulated-trace") }
    }
    let process = Process()
    let program = candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    let url: URL = try #require(program, "simulated-trace is built beside the tests")
    process.executableURL = url
    process.arguments = [String(seed)]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return data
}

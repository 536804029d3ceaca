import DNS
import ICETesting
import MDNS
import NetBase

@testable import ICE

/// Hosts behind one NAT, which are on one link, and a server on the Internet.
final class HomeScene {
    let network: SimulatedNetwork
    let home: SimulatedNAT
    let a: SimulatedHost
    let b: SimulatedHost
    let server: SimulatedTURNServer

    static let group4: TransportAddress = "224.0.0.251:5353"

    init(seed: UInt64 = 61) throws {
        network = SimulatedNetwork(seed: seed)
        home = network.makeNAT("home", external: ["203.0.113.1"])
        a = network.makeHost("a", addresses: ["192.168.1.2", "fe80::2"], behind: home)
        b = network.makeHost("b", addresses: ["192.168.1.3", "fe80::3"], behind: home)
        server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["user": "secret"])
        network.isTracing = true
    }

    static func servers() throws -> [ICEServer] {
        [try ICEServer(urls: ["stun:192.0.2.10", "turn:192.0.2.10"], username: "user", credential: "secret")]
    }

    /// What was sent to or from the port of multicast DNS.
    func multicastPackets(since start: Instant = Instant(nanoseconds: 0)) -> [PacketRecord] {
        network.trace.filter { $0.event == .sent && $0.source.port == MDNSCore.port && $0.instant >= start }
    }

    /// Whether a text has a private address of one of the hosts.
    static func shows(_ text: String) -> Bool { text.contains("192.168.1.") || text.contains("fe80:") }

    /// Somebody on the link says what a name stands for.
    func answer(_ name: String, _ addresses: IPAddress..., from source: TransportAddress = "192.168.1.99:5353") throws {
        var message = DNSMessage.response
        message.answers = addresses.map { DNSRecord(name, address: $0, timeToLive: 120) }
        network.inject(try message.bytes(), from: source, to: Self.group4, behind: home)
    }
}

/// Everything that a client has said, as texts.
final class Transcript {
    private(set) var lines: [String] = []
    private(set) var candidates: [Candidate] = []

    init(of client: ICEClient) {
        client.onTrace = { [weak self] in self?.lines.append("\($0)") }
        client.delegate = self
    }

    func note(_ text: String) { lines.append(text) }
}

extension Transcript: ICEClientDelegate {
    func iceClient(_ client: ICEClient, didGenerate candidate: Candidate?) {
        guard let candidate else { return }
        candidates.append(candidate)
        lines.append("\(candidate) \(candidate.address)")
    }
    func iceClient(_ client: ICEClient, didFailToGather error: CandidateError) { note("\(error)") }
    func iceClient(_ client: ICEClient, didNominate pair: CandidatePair) {
        note("\(pair) \(pair.local.address) \(pair.remote.address)")
    }
    func iceClient(_ client: ICEClient, didFail pair: CandidatePair, reason: PairFailure) { note("\(pair) \(reason)") }
    func iceClient(_ client: ICEClient, didSelect pair: CandidatePair) {
        note("\(pair) \(pair.local.address) \(pair.remote.address)")
    }
    func iceClient(_ client: ICEClient, needsRestart reason: RestartReason) { note("\(reason)") }
    func iceClient(_ client: ICEClient, didChange state: ICEState) { note("\(client.failure.map { "\($0)" } ?? "")") }
}

extension ICEClient {
    /// Everything that it can be asked for, as text.
    func everything() throws -> String {
        var texts = [localDescription.description, "\(candidatePairs)", "\(selectedPair().map { "\($0)" } ?? "")"]
        texts += (localCandidates + remoteCandidates).map { "\($0) \($0.address)" }
        texts += candidatePairs.map { "\($0.id) \($0.local.address) \($0.remote.address)" }
        let statistics = statistics()
        for candidate in statistics.localCandidates + statistics.remoteCandidates {
            texts.append("\(candidate)")
        }
        texts += statistics.candidatePairs.map { "\($0)" }
        texts.append("\(failure.map { "\($0)" } ?? "")")
        return texts.joined(separator: "\n")
    }
}

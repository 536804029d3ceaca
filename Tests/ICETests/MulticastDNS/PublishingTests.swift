import DNS
import ICETesting
import MDNS
import Testing

@testable import ICE

@Suite("E5.1: names of our own")
struct NamePublishingTests {
    private func call(
        _ home: HomeScene, configure: (inout ICEConfiguration) -> Void = { _ in },
        configureCallee: (inout ICEConfiguration) -> Void = { _ in }
    ) -> SimulatedCall {
        SimulatedCall(
            home.network, home.a, home.b,
            configure: {
                $0.multicastDNS = .publish
                configure(&$0)
            }, configureCallee: configureCallee)
    }

    private func gathered(
        _ host: SimulatedHost, _ network: SimulatedNetwork, configure: (inout ICEConfiguration) -> Void = { _ in }
    ) -> ICEClient {
        var configuration = ICEConfiguration()
        configuration.multicastDNS = .publish
        configure(&configuration)
        let client = ICEClient(on: host, configuration: configuration)
        client.gatherCandidates()
        network.run(for: .seconds(1))
        return client
    }

    @Test("E5.1: host candidates are told as UUIDs below .local, one for each address, and announced without a probe")
    func names() throws {
        let home = try HomeScene()
        home.a.interface.addAddress("192.168.1.7")
        let client = gathered(home.a, home.network) { $0.includesLoopback = true }
        let hosts = client.localCandidates.filter { $0.hostName != nil }
        #expect(hosts.count == 3 && Set(hosts.map(\.hostName)).count == 3)
        #expect(hosts.allSatisfy { MulticastName($0.hostName ?? "") != nil && $0.address.ip == "0.0.0.0" })
        #expect(hosts.allSatisfy { $0.address.port != 0 && $0.relatedAddress == nil })
        // Loopback addresses are everybody's.
        #expect(client.localCandidates.filter { $0.hostName == nil }.allSatisfy { $0.address.ip.isLoopback })
        home.network.run(for: .seconds(2))
        // Twice, to two groups.
        let packets = home.multicastPackets()
        #expect(packets.count % 4 == 0 && packets.allSatisfy { $0.destination.ip.isMulticast })
        #expect(try !HomeScene.shows(client.everything()))
    }

    @Test("E5.1: two clients that hide their addresses find each other, and neither shows where the other is")
    func hidden() throws {
        let home = try HomeScene()
        let call = call(home)
        let transcripts = call.clients.map { Transcript(of: $0) }
        #expect(call.connect() && call.talk())
        home.network.run(for: .seconds(10))
        #expect(call.isCompleted)
        for (client, transcript) in zip(call.clients, transcripts) {
            let pair = try #require(client.selectedPair())
            #expect(pair.local.hostName != nil && pair.remote.hostName != nil)
            #expect(pair.local.kind == .host && pair.remote.kind == .host)
            #expect(try !HomeScene.shows(client.everything()))
            #expect(!HomeScene.shows(transcript.lines.joined(separator: "\n")))
        }
        call.close()
        home.network.run(for: .seconds(1))
        for client in call.clients { #expect(try !HomeScene.shows(client.everything())) }
    }

    @Test("E5.1: whoever does not hide its own addresses looks up those of the peer by itself")
    func oneSided() throws {
        let home = try HomeScene()
        let call = call(home, configureCallee: { $0.multicastDNS = .resolve })
        #expect(call.connect())
        #expect(call.callee.selectedPair()?.remote.hostName != nil)
        #expect(call.callee.selectedPair()?.local.hostName == nil)
        // The caller learned the callee by signalling, by its address.
        #expect(call.caller.selectedPair()?.remote.address.ip == call.callee.selectedPair()?.local.address.ip)
    }

    @Test("E5.1: reflexive candidates hide their base, and one with the host's own address is not redundant")
    func reflexive() throws {
        let home = try HomeScene()
        let client = gathered(home.a, home.network) { $0.servers = (try? HomeScene.servers()) ?? [] }
        let reflexive = try #require(client.localCandidates.first { $0.kind == .serverReflexive })
        #expect(reflexive.description.contains("203.0.113.1 \(reflexive.address.port) typ srflx raddr 0.0.0.0 rport 9"))
        #expect(try !HomeScene.shows(client.everything()))

        let direct = home.network.makeHost("direct", addresses: ["198.51.100.4"])
        let other = gathered(direct, home.network) { $0.servers = (try? HomeScene.servers()) ?? [] }
        #expect(other.localCandidates.map(\.kind).contains(.serverReflexive))
        let seen = try #require(other.localCandidates.first { $0.kind == .serverReflexive })
        #expect(seen.address.ip == "198.51.100.4" && seen.relatedAddress == nil)
    }

    @Test("E5.1: a description has no default destination but 0.0.0.0 and port 9 where there are names alone")
    func description() throws {
        let home = try HomeScene()
        let client = gathered(home.a, home.network)
        let text = client.localDescription.description
        #expect(text.contains("m=application 9 ") && text.contains("c=IN IP4 0.0.0.0\r\n"))
        let read = try SessionDescription(text)
        #expect(read.media[0].candidates.map(\.hostName) == client.localCandidates.map(\.hostName))
        #expect(!read.hasMismatch(inMedia: 0))

        let other = gathered(home.b, home.network) { $0.servers = (try? HomeScene.servers()) ?? [] }
        #expect(other.localDescription.description.contains("c=IN IP4 192.0.2.10\r\n"))
    }

    @Test("E5.1: names last as long as the client, are taken back at its end, and are answered for no more")
    func unpublishing() throws {
        let home = try HomeScene()
        let client = gathered(home.a, home.network)
        let names = client.localCandidates.map(\.hostName)
        client.restart()
        home.network.run(for: .seconds(60))
        #expect(client.localCandidates.map(\.hostName) == names)
        let start = home.network.now
        client.close()
        home.network.run(for: .seconds(1))
        #expect(!home.multicastPackets(since: start).isEmpty)
        #expect(home.a.sharedResponder == nil)

        let end = home.network.now
        var question = DNSMessage()
        question.questions = [DNSQuestion(try #require(names.first ?? nil), .a)]
        home.network.inject(
            try question.bytes(), from: "192.168.1.99:5353", to: HomeScene.group4, behind: home.home)
        home.network.run(for: .seconds(5))
        #expect(home.multicastPackets(since: end).isEmpty)
    }

    @Test("E5.1: clients of one host share a responder, and find each other by name")
    func sameHost() throws {
        let home = try HomeScene()
        let call = SimulatedCall(home.network, home.a, home.a, configure: { $0.multicastDNS = .publish })
        #expect(call.connect())
        let responder = try #require(home.a.sharedResponder)
        #expect(responder is MDNSResponder)
        #expect(call.caller.selectedPair()?.remote.hostName != nil)
        call.caller.close()
        #expect(home.a.sharedResponder != nil)
        call.callee.close()
    }

    @Test("E5.1: a name that can't be published hides its candidate, and the client says so")
    func unpublishable() throws {
        let home = try HomeScene()
        let platform = RefusingPlatform(home.a) { _ in false }
        platform.refusesMulticast = true
        var configuration = ICEConfiguration()
        configuration.multicastDNS = .publish
        configuration.servers = try HomeScene.servers()
        let client = ICEClient(platform: platform, configuration: configuration)
        let transcript = Transcript(of: client)
        client.gatherCandidates()
        home.network.run(for: .seconds(2))
        #expect(Set(transcript.candidates.map(\.kind)) == [.serverReflexive, .relayed])
        #expect(transcript.lines.contains { $0.contains("multicast DNS") })
        #expect(try !HomeScene.shows(client.everything()))
        #expect(client.gatheringState == .complete)
    }

    @Test("E5.1: with relays only, or without host candidates, nothing is published")
    func nothingToHide() throws {
        for configure: (inout ICEConfiguration) -> Void in [
            { $0.transportPolicy = .relay }, { $0.transportPolicy = .noHost },
            { $0.addressExposure = .defaultRouteOnly },
        ] {
            let home = try HomeScene()
            _ = gathered(home.a, home.network, configure: configure)
            #expect(home.multicastPackets().isEmpty)
        }
    }

    @Test("E5.1: an address that goes takes its name along, and one that comes gets its own")
    func continual() throws {
        let home = try HomeScene()
        let client = gathered(home.a, home.network) { $0.gatheringPolicy = .continually }
        var removed: [Candidate] = []
        client.onCandidateRemoved = { removed.append($0) }
        let told = client.localCandidates
        home.a.interface.removeAddress("192.168.1.2")
        home.network.run(for: .seconds(1))
        #expect(removed.count == 1 && told.contains(removed[0]) && removed[0].hostName != nil)
        home.a.interface.addAddress("192.168.1.8")
        home.network.run(for: .seconds(5))
        let new = client.localCandidates.compactMap(\.hostName).filter { !told.compactMap(\.hostName).contains($0) }
        #expect(new.count == 1)
        #expect(try !HomeScene.shows(client.everything()))
    }

    @Test("E5.1: what the application makes of a name is signalled: another address in its place, or nothing")
    func rewriting() throws {
        let home = try HomeScene()
        var configuration = ICEConfiguration()
        configuration.multicastDNS = .publish
        configuration.localAddresses = ["192.168.1.2"]
        let client = ICEClient(on: home.a, configuration: configuration)
        client.rewriteLocalCandidate = { candidate in
            var candidate = candidate
            candidate.attributes = [Candidate.Attribute(name: "network-cost", value: "10")]
            return candidate
        }
        client.gatherCandidates()
        home.network.run(for: .seconds(1))
        #expect(client.localCandidates.map { $0.hostName != nil } == [true])
        #expect(client.localCandidates.map(\.networkCost) == [10])
        client.rewriteLocalCandidate = { candidate in
            var candidate = candidate
            (candidate.hostName, candidate.address.ip) = (nil, "203.0.113.77")
            return candidate
        }
        client.restart()
        home.network.run(for: .seconds(1))
        #expect(client.localCandidates.map(\.address.ip) == ["203.0.113.77"])
    }

    @Test("E5.1: the reason why a restart would help names no hidden address either")
    func restartReason() throws {
        let home = try HomeScene()
        let servers = try HomeScene.servers()
        home.network.interceptor = { packet in
            let ends = [packet.source, packet.destination]
            let isServed = ends.contains { $0.ip == "192.0.2.10" || $0.port == MDNSCore.port }
            return isServed ? .pass : .drop
        }
        let call = call(home, configure: { $0.servers = servers })
        var reasons: [RestartReason] = []
        call.caller.onRestartNeeded = { reasons.append($0) }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(home.network.run(until: { call.isCompleted }, atMost: .seconds(15)))
        #expect(call.caller.selectedPair()?.isRelayed == true)
        home.network.interceptor = nil
        home.network.run(for: .seconds(60))
        #expect(reasons.map(\.code) == [.betterPath])
        #expect(reasons.allSatisfy { $0.message.contains(".local") && !HomeScene.shows($0.message) })
    }
}

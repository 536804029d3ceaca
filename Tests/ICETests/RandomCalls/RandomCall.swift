import ICETesting

@testable import ICE

/// A call that a scenario describes, with signalling that keeps descriptions in order and candidates in none.
final class RandomCall {
    let scenario: RandomScenario
    let network: SimulatedNetwork
    private(set) var clients: [ICEClient] = []
    private(set) var received = [0, 0]
    /// What went wrong on the way.
    private(set) var faults: [String] = []
    private(set) var states: [[ICEState]] = [[], []]
    private(set) var lostPaths = 0
    private(set) var busiestSecond = 0
    /// What was told and done, with its time.
    private(set) var journal: [String] = []
    private var hosts: [SimulatedHost] = []
    private var nats: [SimulatedNAT?] = []
    private var stun: SimulatedSTUNServer?
    private var turn: SimulatedTURNServer?
    private var random: SeededGenerator
    private var generations = [0, 0]
    /// What each side knows of the other: the generation whose description has arrived.
    private var known = [-1, -1]
    private var held: [[() -> Void]] = [[], []]
    private var descriptionsArrive: [Instant]
    private var candidatesArrive: [Instant]
    private var toldAfterClose = 0
    private var sentInSecond: [String: Int] = [:]
    private var second: Int64 = 0
    private var hasStarted = [false, false]

    init(_ scenario: RandomScenario) throws {
        self.scenario = scenario
        network = SimulatedNetwork(seed: scenario.seed)
        random = network.makeRandomNumberGenerator("signalling")
        (descriptionsArrive, candidatesArrive) = ([network.now, network.now], [network.now, network.now])
        let servers = try makeServers()
        for index in 0..<2 { try makeSide(index, servers) }
        network.interceptor = { [weak self] packet in
            self?.count(packet)
            return .pass
        }
    }

    private func count(_ packet: SimulatedPacket) {
        let now = network.now.nanoseconds / 1_000_000_000
        if now != second {
            second = now
            sentInSecond = [:]
        }
        guard packet.sender != "server" else { return }
        sentInSecond[packet.sender, default: 0] += 1
        busiestSecond = max(busiestSecond, sentInSecond[packet.sender] ?? 0)
    }

    // MARK: The stage

    private func makeServers() throws -> [ICEServer] {
        let host = network.makeHost("server", addresses: ["192.0.2.10", "2001:db8:ffff::10"])
        host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        network.names["stun.example"] = ["2001:db8:ffff::10", "192.0.2.10"]
        let udp = ["turn:192.0.2.10", "turn:[2001:db8:ffff::10]"]
        let tcp = udp.map { $0 + "?transport=tcp" }
        func relay(_ urls: [String]) throws -> ICEServer {
            try ICEServer(urls: urls, username: "user", credential: "secret")
        }
        switch scenario.servers {
        case .none: return []
        case .stun, .stunByName:
            stun = try SimulatedSTUNServer(on: host)
            stun?.delay = scenario.serverDelay
            return [try ICEServer(urls: [scenario.servers == .stun ? "stun:192.0.2.10" : "stun:stun.example"])]
        case .turn, .turnOverTCP, .all:
            turn = try SimulatedTURNServer(on: host, users: ["user": "secret"])
            turn?.delay = scenario.serverDelay
            if scenario.servers == .turn { return [try relay(udp)] }
            if scenario.servers == .turnOverTCP { return [try relay(tcp)] }
            return [try ICEServer(urls: ["stun:stun.example"]), try relay(udp + tcp)]
        }
    }

    private func makeSide(_ index: Int, _ servers: [ICEServer]) throws {
        let side = scenario.sides[index]
        let number = UInt32(index + 1)
        let outside = IPAddress(v4: 0xcb00_7100 | number)
        var nat: SimulatedNAT?
        if let behavior = side.place.behavior {
            let carrier = side.carrier?.behavior.map {
                network.makeNAT("carrier\(index)", external: [outside], behavior: $0)
            }
            let external = carrier == nil ? outside : IPAddress(v4: 0x6440_0002 | number << 8)
            nat = network.makeNAT(
                "nat\(index)", external: behavior.translates && side.hasV4 ? [external] : [], behavior: behavior,
                behind: carrier)
        }
        nats.append(nat)
        var addresses: [IPAddress] = []
        if side.hasV4 { addresses.append(side.place.translates ? IPAddress(v4: 0x0a00_0002 | number << 8) : outside) }
        if side.hasV6 { addresses.append(IPAddress(v6High: 0x2001_0db8_0000_0000 | UInt64(number), low: 1)) }
        for extra in 0..<side.extraAddresses where side.hasV4 && side.place.translates {
            addresses.append(IPAddress(v4: 0x0a00_0003 + UInt32(extra) | number << 8))
        }
        let host = network.makeHost("host\(index)", addresses: addresses, behind: nat)
        host.link.outgoing = side.conditions
        host.link.incoming.delay = side.conditions.delay
        hosts.append(host)
        var configuration = ICEConfiguration(role: side.role)
        configuration.servers = servers
        configuration.pacing = scenario.pacing
        configuration.nomination = scenario.nomination
        configuration.backupPairs = scenario.backupPairs
        configuration.transportPolicy = scenario.relaysOnly ? .relay : .all
        let client = ICEClient(on: host, configuration: configuration)
        clients.append(client)
        for _ in 0..<scenario.streams { try client.addStream(components: scenario.components) }
        listen(to: index)
    }

    private func listen(to index: Int) {
        let (client, scenario) = (clients[index], scenario)
        var pending: [Candidate] = []
        client.onGatheringStateChange = { [weak self] state in
            self?.note(index)
            if state == .gathering { pending = [] }
        }
        client.onCandidate = { [weak self] candidate in
            guard let self else { return }
            note(index)
            if let candidate { pending.append(candidate) }
            guard scenario.sides[index].trickles || candidate == nil else { return }
            for candidate in pending { signal(candidate, from: index) }
            pending = []
            if candidate == nil { signal(nil, from: index) }
        }
        client.onStateChange = { [weak self] state in
            self?.note(index, "\(state)")
            self?.states[index].append(state)
        }
        client.onPairFailed = { [weak self] pair, failure in
            self?.note(index, "failed \(pair): \(failure)")
            // With several components, those that did not fail go on.
            if scenario.streams * scenario.components == 1, self?.states[index].last == .failed {
                self?.faults.append("side \(index): \(pair) failed after the session")
            }
            if [.consentExpired, .relayLost].contains(failure.code) { self?.lostPaths += 1 }
        }
        client.onPairNominated = { [weak self] in self?.note(index, "nominated \($0) (\($0.path))") }
        client.onSelectedPairChange = { [weak self] in self?.note(index, "selected \($0) (\($0.path))") }
        client.onCandidateError = { [weak self] _ in self?.note(index) }
        client.onData = { [weak self] _, _ in
            self?.note(index)
            self?.received[index] += 1
        }
    }

    private func note(_ index: Int, _ what: String? = nil) {
        if let what { journal.append("\(network.now) side \(index): \(what), \(clients[index].role)") }
        if clients[index].state == .closed { faults.append("side \(index) was told something after close") }
    }

    // MARK: Signalling

    private func delay() -> Duration {
        guard scenario.slowestSignal > .zero else { return .zero }
        return scenario.slowestSignal * Double.random(in: 0...1, using: &random)
    }

    /// Candidates overtake one another and the first description; their end, and what a restart brings, come in order.
    private func signal(_ candidate: Candidate?, from index: Int) {
        let generation = generations[index]
        var candidate = candidate
        candidate?.attributes.append(.init(name: "ufrag", value: clients[index].localParameters.usernameFragment))
        var arrival = network.now + delay()
        if candidate == nil { arrival = max(arrival, candidatesArrive[index], descriptionsArrive[index]) }
        candidatesArrive[index] = max(candidatesArrive[index], arrival)
        network.schedule(after: arrival - network.now) { [weak self] in
            self?.deliver(candidate, of: generation, to: 1 - index)
        }
    }

    private func deliver(_ candidate: Candidate?, of generation: Int, to index: Int) {
        let isAhead = generation > 0 && known[index] < generation
        if isAhead || (candidate == nil && known[index] < generation) {
            held[index].append { [weak self] in self?.deliver(candidate, of: generation, to: index) }
        } else if candidate != nil || generation == generations[index] {
            clients[index].addRemoteCandidate(candidate)
        }
    }

    private func describe(_ index: Int) {
        let (generation, parameters) = (generations[index], clients[index].localParameters)
        descriptionsArrive[index] = max(descriptionsArrive[index], network.now + delay())
        network.schedule(after: descriptionsArrive[index] - network.now) { [weak self] in
            self?.take(parameters, of: generation, at: 1 - index)
        }
    }

    /// A description of a later generation is an offer to restart, to be followed; one of an earlier is outdated.
    private func take(_ parameters: ICEParameters, of generation: Int, at index: Int) {
        let client = clients[index]
        guard client.state != .closed, generation >= generations[index] else { return }
        if generation > generations[index] {
            client.restart()
            generations[index] = generation
            if hasStarted[index] { describe(index) }
        }
        known[index] = generation
        do {
            try client.setRemoteParameters(parameters)
        } catch {
            faults.append("side \(index) refuses generation \(generation): \(error)")
        }
        let waiting = held[index]
        held[index] = []
        for work in waiting { work() }
    }

    // MARK: The course of events

    func start() {
        for index in 0..<2 {
            network.schedule(after: scenario.sides[index].startsAfter) { [weak self] in
                guard let self, clients[index].state != .closed else { return }
                hasStarted[index] = true
                clients[index].gatherCandidates()
                clients[index].processCandidates()
                describe(index)
            }
        }
        for (time, what) in scenario.disruptions {
            network.schedule(after: time) { [weak self] in self?.perform(what) }
        }
    }

    private func perform(_ disruption: RandomScenario.Disruption) {
        journal.append("\(network.now) \(disruption)")
        switch disruption {
        case .close(let index): clients[index].close()
        case .restart(let index): restart(index)
        case .restartBoth:
            restart(0)
            restart(1)
        case .serverFallsSilent:
            stun?.isSilent = true
            turn?.isSilent = true
        case .serverRestarts: turn?.restart()
        case .forgetMappings(let index): nats[index]?.forgetMappings()
        case .rebind(let index): nats[index]?.rebind()
        case .cut(let index, let span):
            hosts[index].link.isCut = true
            network.schedule(after: span) { [weak self] in self?.hosts[index].link.isCut = false }
        }
    }

    private func restart(_ index: Int) {
        guard clients[index].state != .closed else { return }
        clients[index].restart()
        generations[index] += 1
        if hasStarted[index] { describe(index) }
    }

    var paths: [StreamComponent] {
        (0..<scenario.streams).flatMap { stream in
            (1...scenario.components).map {
                StreamComponent(stream: StreamID(stream), component: ComponentID($0)!)
            }
        }
    }

    /// Sends both ways on every component until something has come both ways.
    func talk(atMost limit: Duration) -> Bool {
        received = [0, 0]
        let end = network.now + limit
        while network.now < end {
            for client in clients {
                for path in paths { try? client.send("data", on: path) }
            }
            if network.run(until: { self.received.allSatisfy { $0 > 0 } }, atMost: .milliseconds(200)) { return true }
        }
        return false
    }

    /// What every pair is up to, for the message of a failure.
    var pairs: [String] {
        clients.enumerated().flatMap { index, client in
            client.agent.pairs.map { "pair of side \(index): \($0.description) (\($0.path)) \($0.state)" }
        }
    }

    func resetBusiestSecond() { busiestSecond = 0 }

    func close() {
        for client in clients { client.close() }
    }

    func letGo() { clients = [] }
}

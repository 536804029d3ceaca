import ICE
import ICETesting
import STUN

/// A peer made by hand on a bare socket: it sees every message and answers as the test wants.
final class ScriptedPeer {
    let network: SimulatedNetwork
    let socket: SimulatedSocket
    /// What it would signal.
    let parameters: ICEParameters
    /// What a check that reaches it is answered with; nil for silence.
    var answer: (ScriptedPeer, STUNMessage, TransportAddress) -> STUNMessage? = { peer, request, source in
        peer.success(to: request, mapped: source)
    }
    private(set) var requests: [STUNMessage] = []
    private(set) var requestTimes: [Instant] = []
    private(set) var responses: [STUNMessage] = []
    private(set) var indications: [STUNMessage] = []
    private(set) var indicationTimes: [Instant] = []
    private(set) var data: [[UInt8]] = []
    /// Everything that came, of whatever kind.
    private(set) var datagramCount = 0
    private(set) var lastSource: TransportAddress?
    private let key: IntegrityKey
    private var nextID: UInt64 = 1

    init(_ network: SimulatedNetwork, _ host: SimulatedHost, at address: TransportAddress, name: String = "peer") throws
    {
        self.network = network
        socket = try host.bind(address)
        let password = "\(name)PasswordOfTheScript0123"
        parameters = try ICEParameters(
            usernameFragment: name, password: password, options: ["ice2", "trickle", "renomination"])
        key = IntegrityKey(shortTermPassword: password)
        socket.onDatagram = { [weak self] bytes, source in self?.receive([UInt8](copying: bytes), from: source) }
    }

    var address: TransportAddress { socket.localAddress }

    /// The candidate it would signal.
    func candidate(_ kind: Candidate.Kind = .host, foundation: String = "1", priority: UInt32 = 2_130_706_431)
        -> Candidate
    {
        Candidate(
            foundation: Candidate.Foundation(foundation)!, component: .rtp, priority: priority,
            address: address.unscoped, kind: kind)
    }

    private func receive(_ bytes: [UInt8], from source: TransportAddress) {
        datagramCount += 1
        lastSource = source
        guard STUNMessage.looksLikeSTUN(bytes.span), let message = try? STUNMessage(parsing: bytes.span) else {
            data.append(bytes)
            return
        }
        switch message.messageClass {
        case .request:
            requests.append(message)
            requestTimes.append(network.now)
            if let response = answer(self, message, source) { send(response.bytes, to: source) }
        case .indication:
            indications.append(message)
            indicationTimes.append(network.now)
        case .success, .failure: responses.append(message)
        }
    }

    func send(_ bytes: [UInt8], to destination: TransportAddress) {
        try? socket.send(bytes.span, to: destination)
    }

    // MARK: Answers

    func success(to request: STUNMessage, mapped: TransportAddress) -> STUNMessage {
        var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
        response.append(STUNMessage.XORMappedAddress(mapped.unscoped))
        return signed(response)
    }

    func failure(to request: STUNMessage, _ code: Int, _ reason: String = "scripted") -> STUNMessage {
        var response = STUNMessage(.failure, .binding, transactionID: request.transactionID)
        response.append(STUNMessage.ErrorCode(code: code, reason: reason))
        return signed(response)
    }

    func signed(_ message: STUNMessage, with other: IntegrityKey? = nil) -> STUNMessage {
        var message = message
        message.appendIntegrity(other ?? key)
        message.appendFingerprint()
        return message
    }

    // MARK: Checks

    /// What may be wrong with, or special about, a check.
    struct Check {
        var role: Role? = .controlled
        var tieBreaker: UInt64 = 1
        var priority: UInt32? = 1_862_270_975
        var nominates = false
        var nominationNumber: UInt32?
        var username: String?
        var password: String?
        var isSigned = true
        var hasFingerprint = true
    }

    /// A check for a client with these parameters.
    func check(for remote: ICEParameters, _ change: (inout Check) -> Void = { _ in }) -> STUNMessage {
        var check = Check()
        change(&check)
        var generator = SeededGenerator(seed: nextID, stream: "\(address)")
        nextID += 1
        var message = STUNMessage(.request, .binding, transactionID: STUNTransactionID(using: &generator))
        message.append(
            STUNMessage.Username(check.username ?? "\(remote.usernameFragment):\(parameters.usernameFragment)"))
        if let priority = check.priority { message.append(STUNMessage.Priority(priority)) }
        switch check.role {
        case .controlling: message.append(STUNMessage.ICEControlling(tieBreaker: check.tieBreaker))
        case .controlled: message.append(STUNMessage.ICEControlled(tieBreaker: check.tieBreaker))
        case nil: break
        }
        if check.nominates { message.append(STUNMessage.UseCandidate()) }
        if let number = check.nominationNumber { message.append(STUNMessage.Nomination(number)) }
        if check.isSigned {
            message.appendIntegrity(IntegrityKey(shortTermPassword: check.password ?? remote.password))
        }
        if check.hasFingerprint { message.appendFingerprint() }
        return message
    }

    @discardableResult
    func sendCheck(to client: ICEClient, _ change: (inout Check) -> Void = { _ in }) -> STUNMessage {
        let message = check(for: client.localParameters, change)
        send(message.bytes, to: client.localCandidates[0].address)
        return message
    }
}

/// One real client and one scripted peer on hosts of their own, 10 ms apart.
final class ScriptedCall {
    let network: SimulatedNetwork
    let clientHost: SimulatedHost
    let peerHost: SimulatedHost
    let client: ICEClient
    let peer: ScriptedPeer
    private(set) var states: [ICEState] = []
    private(set) var nominated: [CandidatePair] = []
    private(set) var selected: [CandidatePair] = []
    private(set) var failures: [(CandidatePair, PairFailure)] = []
    private(set) var received: [[UInt8]] = []
    private(set) var candidates: [Candidate] = []
    private(set) var candidateErrors: [CandidateError] = []

    init(
        role: Role = .controlling, addresses: [IPAddress] = ["192.0.2.1"], peerAddress: TransportAddress? = nil,
        configure: (inout ICEConfiguration) -> Void = { _ in }
    ) throws {
        network = SimulatedNetwork(seed: 5)
        clientHost = network.makeHost("client", addresses: addresses)
        let address = peerAddress ?? TransportAddress("198.51.100.1", port: 7000)
        peerHost = network.makeHost("peer", addresses: [address.ip])
        for host in [clientHost, peerHost] { host.link.setConditions(LinkConditions(delay: .milliseconds(5))) }
        var configuration = ICEConfiguration(role: role)
        // Where the peer signals nothing, tests still want to see the addresses that its checks have shown.
        configuration.multicastDNS = .off
        configure(&configuration)
        client = ICEClient(on: clientHost, configuration: configuration)
        peer = try ScriptedPeer(network, peerHost, at: address)
        client.onStateChange = { [weak self] in self?.states.append($0) }
        client.onPairNominated = { [weak self] in self?.nominated.append($0) }
        client.onSelectedPairChange = { [weak self] in self?.selected.append($0) }
        client.onPairFailed = { [weak self] in self?.failures.append(($0, $1)) }
        client.onData = { [weak self] bytes, _ in self?.received.append([UInt8](copying: bytes)) }
        client.onCandidate = { [weak self] candidate in if let candidate { self?.candidates.append(candidate) } }
        client.onCandidateError = { [weak self] in self?.candidateErrors.append($0) }
    }

    /// Gathers and starts, with the peer's credentials or without, and lets the host candidates come out.
    func start(withCredentials: Bool = true) throws {
        client.gatherCandidates()
        client.processCandidates()
        if withCredentials { try client.setRemoteParameters(peer.parameters) }
        network.run(for: .milliseconds(1))
    }

    /// Starts, with the peer's candidate known, and waits for the nomination.
    func connect() throws -> Bool {
        try start()
        client.addRemoteCandidate(peer.candidate())
        client.addRemoteCandidate(nil as Candidate?)
        if client.role == .controlled {
            peer.sendCheck(to: client) {
                $0.role = .controlling
                $0.nominates = true
            }
        }
        let isCompleted = network.run(until: { self.client.state == .completed }, atMost: .seconds(5))
        // The events of this turn come out on the next.
        network.run(for: .milliseconds(1))
        return isCompleted
    }

    func run(_ span: Duration) { network.run(for: span) }
}

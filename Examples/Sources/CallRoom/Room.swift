import ICE

/// One side's signalling for an ICE client through a store.
///
/// The creator writes an offer for each generation of its client, and the joiner an answer that names the offer. The username fragment
/// tells generations, and what belongs to them, apart: a joiner that sees a new one in the offer restarts, a creator that gets an answer
/// with another one than before has a new joiner, for whom it restarts.
final class Room {
    /// Something worth telling whoever runs the program.
    var onNotice: ((String) -> Void)?
    /// Called once; nothing comes after it.
    var onEnd: ((RoomEnd) -> Void)?

    private let side: Side
    private let keys: CallKeys
    private let secret: RoomSecret
    private let client: ICEClient
    private let store: any CallStore
    private var isOver = false
    private var isSignOurs = false
    private var hasBeenWelcomed = false
    private var hasSeenRival = false
    /// The generations of this call, of both sides: who names one of them in his last word is of the call.
    private var generations: Set<String> = []
    private var theirGeneration: String?
    /// What this side has written of the present generation, to write it again when the store may have lost it.
    private var description: Description?
    private var candidates: [String: String] = [:]
    private var received = CandidateBuffer()

    /// - Parameter accepts: Which candidates are used, of either side; asked by the client.
    init(
        side: Side, keys: CallKeys, secret: RoomSecret, client: ICEClient, store: any CallStore,
        accepts: @escaping (Candidate) -> Bool
    ) {
        self.side = side
        self.keys = keys
        self.secret = secret
        self.client = client
        self.store = store
        client.rewriteLocalCandidate = { accepts($0) ? $0 : nil }
        client.shouldAcceptRemoteCandidate = { [unowned self] candidate in
            let isAccepted = accepts(candidate)
            onNotice?("\(isAccepted ? "takes" : "refuses") \(candidate)")
            return isAccepted
        }
        client.onCandidate = { [unowned self] in tell($0) }
        client.onRestartNeeded = { [unowned self] reason in
            onNotice?("would do with a restart: \(reason)")
            // For a path that works, the next one who restarts is early enough.
            if reason.code != .betterPath { restart() }
        }
    }

    func enter() {
        if side == .offer { describe(Description(parameters: client.localParameters)) }
        store.watch { [weak self] event in self?.handle(event) }
        client.gatherCandidates()
        client.processCandidates()
    }

    /// Begins a new generation, or asks the creator to.
    func restart() {
        guard !isOver, description != nil else { return }
        if side == .offer {
            describe(Description(parameters: restartedParameters()))
            write()
        } else {
            description?.wantsRestart = true
            write()
        }
    }

    /// Ends the call for both.
    func leave() { end(.left) }

    // MARK: - To the store

    private func tell(_ candidate: Candidate?) {
        guard !isOver else { return }
        let id = "\(client.localParameters.usernameFragment).\(candidates.count)"
        guard let text = seal(client.signalled(candidate), at: keys.candidates(of: side) + id) else { return }
        candidates[id] = text
        store.add(text, id: id, of: side)
    }

    private func restartedParameters() -> ICEParameters {
        client.restart()
        candidates = [:]
        return client.localParameters
    }

    private func describe(_ description: Description) {
        self.description = description
        generations.insert(description.parameters.usernameFragment)
        onNotice?("\(side) with the fragment \(description.parameters.usernameFragment)")
    }

    private func write() {
        let text = description.flatMap { seal($0, at: keys.description(of: side)) }
        store.put(text, candidates: candidates, of: side)
    }

    private func seal(_ document: some Encodable, at place: String) -> String? {
        do {
            return try secret.seal(document, at: place)
        } catch {
            end(.failed(RoomError("a document can't be sealed: \(error)")))
            return nil
        }
    }

    // MARK: - From the store

    private func handle(_ event: CallEvent) {
        guard !isOver else { return }
        switch event {
        case .opened(let snapshot):
            onNotice?("signals through the store")
            guard isWelcome(snapshot) else { return }
            if side == .offer, let sign = seal(keys.call, at: keys.sign) {
                store.claim(sign: sign)
            } else if snapshot.sign == nil {
                onNotice?("waits for the room to be created")
            }
            write()
            read(snapshot)
            if side == .offer, client.remoteParameters == nil, !isOver { onNotice?("waits for the other side to join") }
        case .changed(let snapshot):
            if isWelcome(snapshot) { read(snapshot) }
        case .away(let reason): onNotice?("the store is away: \(reason)")
        case .failed(let reason): end(.failed(RoomError(reason)))
        case .ended(let text):
            guard let lastWord: LastWord = open(text, at: keys.lastWord) else { return }
            // Who has heard the last word of an earlier call can say it again.
            if !generations.isDisjoint(with: lastWord.generations) { end(.endedByOther) }
        }
    }

    /// Looks at the sign at the door, before anything else is read or written. Who is inside does not care who hangs up another one:
    /// that takes no secret.
    private func isWelcome(_ snapshot: CallSnapshot) -> Bool {
        guard let sign = snapshot.sign else { return true }
        isSignOurs = (try? secret.open(sign, at: keys.sign)) == keys.call
        if isSignOurs { hasBeenWelcomed = true }
        if !hasBeenWelcomed { end(.failed(RoomError("the room has another secret than the one given"))) }
        return hasBeenWelcomed
    }

    private func read(_ snapshot: CallSnapshot) {
        lookForRival(snapshot)
        let place = keys.description(of: side.other)
        if let text = snapshot.descriptions[side.other], let description: Description = open(text, at: place) {
            take(description)
        }
        for (id, text) in (snapshot.candidates[side.other] ?? [:]).sorted(by: { $0.key < $1.key })
        where received.isNew(id) {
            if let candidate: SignalledCandidate = open(text, at: keys.candidates(of: side.other) + id) {
                received.add(candidate)
            }
        }
        takeCandidates()
    }

    /// Two creators write over each other's offers; whether the other one is still there can't be known.
    private func lookForRival(_ snapshot: CallSnapshot) {
        guard side == .offer, !hasSeenRival, let text = snapshot.descriptions[.offer],
            let offer: Description = open(text, at: keys.description(of: .offer)),
            !generations.contains(offer.parameters.usernameFragment)
        else { return }
        hasSeenRival = true
        onNotice?(
            "finds that the room has another creator already, or one that has died: one of two has to join instead")
    }

    private func take(_ theirs: Description) {
        do {
            switch side {
            case .offer:
                // An answer to an earlier offer is no news: the one to this offer follows.
                guard theirs.answers == client.localParameters.usernameFragment else { return }
                let known = client.remoteParameters?.credentials
                guard known == nil || known == theirs.parameters.credentials, !theirs.wantsRestart else {
                    onNotice?("restarts for the other side")
                    return restart()
                }
                if known == nil { try set(theirs.parameters) }
            case .answer:
                let fragment = theirs.parameters.usernameFragment
                guard description?.answers != fragment else { return }
                let ours = description == nil ? client.localParameters : restartedParameters()
                try set(theirs.parameters)
                describe(Description(parameters: ours, answers: fragment))
                write()
            }
        } catch {
            onNotice?("a description is of no use: \(error)")
        }
    }

    private func set(_ parameters: ICEParameters) throws(ICEError) {
        try client.setRemoteParameters(parameters)
        theirGeneration = parameters.usernameFragment
        generations.insert(parameters.usernameFragment)
        received.forgetAll(but: parameters.usernameFragment)
    }

    private func takeCandidates() {
        guard let fragment = client.remoteParameters?.usernameFragment else {
            if received.count > 0 { onNotice?("keeps \(received.count) candidates for the description to come") }
            return
        }
        for candidate in received.take(generation: fragment) {
            do {
                try client.addRemoteCandidate(candidate)
            } catch {
                onNotice?("a candidate is of no use: \(error)")
            }
        }
    }

    private func open<Document: Decodable>(_ text: String, at place: String) -> Document? {
        do {
            return try secret.open(text, at: place)
        } catch {
            onNotice?("a document is passed over that the secret does not open, or that is none")
            return nil
        }
    }

    // MARK: - The end

    private func end(_ end: RoomEnd) {
        guard !isOver else { return }
        isOver = true
        client.close()
        let finish = { [weak self] in
            self?.store.close()
            self?.onEnd?(end)
            self?.onEnd = nil
        }
        if case .endedByOther = end { return finish() }
        let generations = [client.localParameters.usernameFragment, theirGeneration].compactMap { $0 }
        // Without a last word the other side waits as for somebody whose process has died.
        let lastWord = try? secret.seal(LastWord(generations: generations), at: keys.lastWord)
        store.remove(sign: isSignOurs, lastWord: lastWord ?? "", onDone: finish)
    }
}

package import NetBase

// Streams and their components: those that are there from the start, and those that come and go while a call is on.
extension ICEAgent {
    /// How many components each stream has, by the streams' positions; 0 for one that was removed.
    package var streamComponentCounts: [Int] {
        (0..<nextStreamIndex).map { index in components.count { $0.path.stream.index == index } }
    }

    /// Whether a component is there, and has not been removed.
    package func hasComponent(_ path: StreamComponent) -> Bool { components.contains { $0.path == path } }

    /// Adds a stream with components 1 to a count, behind all there have been.
    package mutating func addStream(components count: Int) -> StreamID {
        let stream = StreamID(nextStreamIndex)
        nextStreamIndex += 1
        for number in 1...max(1, min(count, 256)) {
            guard let component = ComponentID(number) else { continue }
            components.append(ComponentState(path: StreamComponent(stream: stream, component: component)))
        }
        session.checklists.addList(for: stream)
        return stream
    }

    /// Adds a stream to a session that is under way: it alone is gathered for and checked, the others go on as they are.
    package mutating func addStream(
        components count: Int, over addresses: [InterfaceAddress], now: Instant
    ) -> StreamID {
        let stream = addStream(components: count)
        guard gatherer.state != .new, state != .closed else { return stream }
        session.lateStreams.insert(stream)
        // It is to have as much time as the first ones had (RFC 8863 §4), and relays that nobody has released yet.
        if session.hasRemote { session.patienceEnd = now + configuration.patienceInterval }
        relayRelease = nil
        let added = components.filter { $0.path.stream == stream }
        let chosen = chosenAddresses(among: addresses)
        if !gathersContinually { network.begin(over: addresses, chosen, at: now) }
        if gatherer.state == .complete { tell(.gatheringState(.gathering)) }
        gatherer.extend(
            openingSockets: chosen.count * added.count * socketTransports.count,
            timeout: configuration.gatheringTimeout, at: now)
        for component in added {
            for (rank, ip) in chosen.enumerated() { openSockets(on: ip, for: component.path, rank: rank) }
        }
        settle(at: now)
        return stream
    }

    /// Ends components: their sockets are closed, their relays freed, their candidates and pairs forgotten, and the session's state waits
    /// for them no longer.
    package mutating func remove(where shouldGo: (StreamComponent) -> Bool, now: Instant) {
        let gone = components.filter { shouldGo($0.path) }
        guard !gone.isEmpty, state != .closed else { return }
        let paths = Set(gone.map(\.path))
        components.removeAll { paths.contains($0.path) }
        for component in gone where component.selected != nil || component.presumed != nil {
            emit(.dropPath(component.path))
        }
        closeSockets(of: paths)
        localCandidates.removeAll { paths.contains($0.candidate.path) }
        session.forget(paths)
        for stream in Set(gone.map(\.path.stream)).sorted() {
            if components.contains(where: { $0.path.stream == stream }) {
                if isLite { nominateStream(stream, at: now) }
            } else {
                session.checklists.removeList(of: stream)
            }
        }
        // What has failed for their sake has not, if the others work.
        if state == .failed, isConnected { (state, failure) = (.checking, nil) }
        if !components.isEmpty, components.allSatisfy({ isConcluded($0.path) }) { scheduleRelayRelease(at: now) }
        expelEarlierGenerations()
        settle(at: now)
    }

    /// Relays go first: what frees them is sent from the sockets that they were asked for with.
    private mutating func closeSockets(of paths: Set<StreamComponent>) {
        let closing = sockets.filter { paths.contains($0.path) }
        sockets.removeAll { paths.contains($0.path) }
        let opening = gatherer.forget(paths)
        for id in opening { emit(.closeSocket(id)) }
        for socket in closing where socket.isRelay {
            // The application's own TURN client has not answered yet.
            if socket.base == nil { gatherer.attachedRelayEnded() }
            emit(.closeSocket(socket.id))
        }
        for socket in closing where !socket.isRelay {
            if socket.base == nil { gatherer.socketFailed() }
            emit(.closeSocket(socket.id))
        }
        let ids = Set(closing.map(\.id))
        permissions = permissions.filter { !ids.contains($0.relay) }
        gatherer.mappings.forget(ids)
        unpublishNames()
    }
}

extension Session {
    /// Forgets what belongs to components that are no more.
    fileprivate mutating func forget(_ paths: Set<StreamComponent>) {
        conveyed.removeAll { paths.contains($0.candidate.path) }
        _ = remoteCandidates.removeAll { paths.contains($0.path) }
        sought.removeAll { paths.contains($0.path) }
        nominations.removeAll { checklists[$0].map { paths.contains($0.path) } ?? true }
        nominated.remove(paths)
        let lists = checklists
        checks.removeAll { lists[$0.pair].map { paths.contains($0.path) } ?? true }
        for stream in Set(paths.map(\.stream)).sorted() {
            checklists.withList(stream) { $0.remove { paths.contains($0.path) } }
            lateStreams.remove(stream)
        }
    }

    /// The peer has named all its candidates of a stream, or those of all streams there were when it began, and of later ones that it has
    /// named some of.
    mutating func endRemoteCandidates(of stream: StreamID?, usernameFragment: String?) {
        remoteEnds.add(stream, usernameFragment: usernameFragment)
        // Behind a restart it may be the end of the generation before, which names no credentials and was still on its way.
        endIsDoubtful = generation > 0 && remote == nil && usernameFragment == nil
        let named = remoteCandidates
        lateStreams = lateStreams.filter { late in
            stream == nil ? !named.all.contains { $0.stream == late } : late != stream
        }
    }

    /// Whether a candidate of the peer for a stream may still come (RFC 8838 §14).
    func expectsCandidates(of stream: StreamID, usernameFragment: String? = nil) -> Bool {
        endIsDoubtful || lateStreams.contains(stream)
            || !remoteEnds.cover(
                stream, usernameFragment: keys.remoteFragment(of: stream) ?? usernameFragment)
    }

    /// Whether no more candidates of the peer will come.
    var hasAllRemoteCandidates: Bool {
        guard sought.isEmpty else { return false }
        guard !checklists.lists.isEmpty else {
            return remoteEnds.cover(nil, usernameFragment: remote?.usernameFragment)
        }
        return checklists.lists.allSatisfy { list in
            !lateStreams.contains(list.stream)
                && remoteEnds.cover(list.stream, usernameFragment: keys.remoteFragment(of: list.stream))
        }
    }
}

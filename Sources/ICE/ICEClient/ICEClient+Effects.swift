import ICECore
import Logging
import NetBase

// What the agent wants done.
extension ICEClient {
    func perform(_ effect: consuming Effect) {
        switch consume effect {
        case .openSocket(let id, let ip, let transport, let path): open(id, on: ip, transport, for: path)
        case .openRelay(let order): openRelay(order)
        case .confirmRelay(let id): confirmRelay(id)
        case .holdRelay(let id): holdRelay(id)
        case .moveRelay(let id, let via): moveRelay(id, via: via)
        case .permit(let id, let peer): permit(peer, on: id)
        case .mapPort(let id): mapPort(of: id)
        case .closeSocket(let id): closeSocket(id)
        case .resolve(let server, let host): resolve(host, forServer: server)
        case .lookUp(let name): lookUp(name)
        case .publish(let name, let ip): publish(name, ip)
        case .unpublish(let name): unpublish(name)
        case .send(let bytes, let id, let destination): send(stun: bytes, from: id, to: destination)
        case .ask(let bytes, let id, let server): ask(server, bytes, from: id)
        case .keepAlive(let bytes, let path, let interval): keepAlive(bytes, path, unlessSentWithin: interval)
        case .admit(let id, let address): admit(address, on: id)
        case .expel(let id, let address): expel(address, from: id)
        case .disconnect(let id, let kept): disconnect(id, except: kept)
        case .usePath(let path, let id, let destination):
            selectedPairChanges += 1
            use(path, id, destination)
        case .dropPath(let path):
            if !isClosed { selectedPairChanges += 1 }
            drop(path)
        case .askApplication(let check): ask(about: check)
        case .event(.trace(let event)): schedule(.trace(event.at(platform.now - madeAt)))
        case .event(let event): schedule(event)
        }
    }

    private func ask(about check: IncomingCheck) {
        let request = BindingRequest(
            source: check.source, path: check.path, remoteUsernameFragment: check.remoteUsernameFragment)
        let accept = shouldAcceptBindingRequest?(request) ?? true
        agent.answer(check, accept: accept, now: platform.now)
    }

    private func resolve(_ host: String, forServer index: Int) {
        do {
            let lookUp = try platform.resolve(host) { [reference] result in
                reference.client?.input { agent, now in
                    switch result {
                    case .success(let addresses): agent.serverResolved(index, to: addresses, now: now)
                    case .failure(let error): agent.serverUnresolvable(index, error, now: now)
                    }
                }
            }
            lookUps.updateValue(lookUp, forKey: index)?.cancel()
        } catch {
            agent.serverUnresolvable(index, error, now: platform.now)
        }
    }

    /// Follows the machine's addresses from now on, where the configuration says so.
    func watchNetwork() {
        guard configuration.gatheringPolicy == .continually, networkWatch == nil, !isClosed else { return }
        do throws(NetworkError) {
            networkWatch = try platform.watchInterfaces { [reference] in reference.client?.networkChanged() }
        } catch {
            logger.error("the interfaces can't be watched", metadata: ["error": "\(error)"])
        }
    }
}

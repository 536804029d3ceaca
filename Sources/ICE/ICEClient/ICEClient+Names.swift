import ICECore
import Logging
import MDNS
import NetBase

// Names of multicast DNS, by the responder that all clients of a loop share.
extension ICEClient {
    /// The responder is there from the first name on, and until the last one has gone.
    private func responder() throws(NetworkError) -> MDNSResponder { try MDNSResponder.shared(on: platform) }

    func lookUp(_ name: MulticastName) {
        // One that an earlier generation has begun serves as well.
        guard nameLookUps[name] == nil else { return }
        do throws(NetworkError) {
            nameLookUps[name] = try responder().resolve(name, for: ObjectIdentifier(self)) { [reference] result in
                reference.client?.nameLookedUp(name, result)
            }
        } catch {
            logger.debug("no multicast DNS", metadata: ["error": "\(error)"])
            agent.nameUnresolvable(name, now: platform.now)
        }
    }

    private func nameLookedUp(_ name: MulticastName, _ result: Result<IPAddress, MDNSFailure>) {
        nameLookUps[name] = nil
        switch result {
        case .success(let ip):
            input { $0.nameResolved(name, to: ip, now: $1) }
        case .failure(let failure):
            logger.debug("name not found", metadata: ["name": "\(name)", "reason": "\(failure)"])
            input { $0.nameUnresolvable(name, now: $1) }
        }
    }

    func publish(_ name: MulticastName, _ ip: IPAddress) {
        do throws(NetworkError) {
            publications[name] = try responder().publish(name, ip)
        } catch {
            logger.debug("no multicast DNS", metadata: ["error": "\(error)"])
            agent.hostUnpublishable(name, now: platform.now)
        }
    }

    func unpublish(_ name: MulticastName) { publications.removeValue(forKey: name)?.cancel() }

    func closeNames() {
        for lookUp in nameLookUps.values { lookUp.cancel() }
        nameLookUps = [:]
        // Their order is seen on the network.
        for publication in publications.values.sorted(by: { $0.name.description < $1.name.description }) {
            publication.cancel()
        }
        publications = [:]
    }
}

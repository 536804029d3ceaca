import ICECore
import Logging
import NetBase

extension ICEClient {
    /// Takes the client's place on its port.
    func enter(_ port: SharedPort) throws(ICEError) {
        guard !port.isClosed else { throw ICEError(.closed, "the shared port is closed; open a new one") }
        member?.owner = reference
        guard member?.take(agent.usernameFragments) == true else {
            throw ICEError(
                .usernameFragmentInUse,
                "another client of the port has this username fragment: close it first, or take other localCredentials")
        }
    }

    /// Checks of a new generation find the client by another name.
    func rename() {
        guard let member, agent.generation != namedGeneration else { return }
        namedGeneration = agent.generation
        if !member.take(agent.usernameFragments) {
            logger.error("another client of the shared port has the username fragment; restart once more")
        }
    }

    /// A path is to carry data; on a shared port the address may be another client's.
    func claim(_ destination: TransportAddress, on socket: any DatagramSocket, for path: StreamComponent) -> Bool {
        guard !socket.claim(destination, as: .peer) else { return true }
        agent.pathTaken(path, now: platform.now)
        return false
    }

    /// What a path no longer uses may be another client's.
    func release(_ path: DataPath) { path.socket.release(path.destination, as: .peer) }
}

import Logging

extension TURNEvent {
    /// Tells a logger in one line, without a credential.
    func log(to logger: Logger) {
        switch self {
        case .allocated(let allocation):
            logger.debug("allocated", metadata: ["relayed": "\(allocation.relayedAddresses)"])
        case .refreshed(let lifetime): logger.debug("refreshed", metadata: ["lifetime": "\(lifetime)"])
        case .permitted(let peer): logger.debug("permission", metadata: ["peer": "\(peer)"])
        case .permissionLost(let peer): logger.debug("permission lost", metadata: ["peer": "\(peer)"])
        case .channelBound(let peer, let channel):
            logger.debug("channel", metadata: ["peer": "\(peer)", "number": "\(channel)"])
        case .channelLost(let peer): logger.debug("channel lost", metadata: ["peer": "\(peer)"])
        case .peerError(let peer, let error):
            logger.debug("peer not reached", metadata: ["peer": "\(peer)", "error": "\(error)"])
        case .lost(let error): logger.debug("allocation lost", metadata: ["error": "\(error)"])
        case .accessTokenNeeded(let name): logger.debug("access token needed", metadata: ["name": "\(name)"])
        case .responseError(let method, let code, let reason):
            logger.debug("error response", metadata: ["method": "\(method)", "code": "\(code)", "reason": "\(reason)"])
        case .failed(let error): logger.debug("failed", metadata: ["error": "\(error)"])
        }
    }
}

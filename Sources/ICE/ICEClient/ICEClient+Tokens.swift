public import ICECore
import Logging
import NetBase
public import STUN

// Access tokens for relays (RFC 7635).
extension ICEClient {
    /// Hands over an access token for a server of the configuration, which ``onAccessTokenNeeded`` asks for; nil says that there is none.
    ///
    /// It may come at any time. Relays of that server are refreshed with it at once, and those that are made later use it. Without one, a
    /// username and credential of the server are used where there are any, and relays that were made with a token end with that.
    public func provide(accessToken token: TURNAccessToken?, for server: ICEServer) {
        guard !isClosed else { return }
        if let token { accessTokens[server] = (token, platform.now + token.lifetime) }
        for relay in relays where relay.server == server {
            relay.wantsToken = false
            relay.client.provide(accessToken: token)
        }
    }

    /// Gives a client the latest token that has not run out, and tells it whether another can be asked for.
    func equip(_ client: TURNClient, for server: ICEServer) {
        let configured = server.accessToken.map { (token: $0, expiry: madeAt + $0.lifetime) }
        client.accessToken = accessTokens[server] ?? configured
        let isHeard = onAccessTokenNeeded != nil || hasDelegate || !eventStreams.isEmpty
        client.observerHasTokens = isHeard && server.accessToken != nil
    }

    /// One question does for all relays of a server.
    func askForToken(for relay: Relay, _ serverName: String) {
        guard let server = relay.server, !isClosed else { return }
        let isAsked = relays.contains { $0.server == server && $0.wantsToken }
        relay.wantsToken = true
        if isAsked { return }
        logger.debug("access token needed", metadata: ["server": "\(server)", "name": "\(serverName)"])
        stream(.accessTokenNeeded(server, serverName))
        onAccessTokenNeeded?(server, serverName)
        listener?.iceClient(self, needsAccessTokenFor: server, named: serverName)
    }
}

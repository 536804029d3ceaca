import ICECore

extension ICEClient {
    /// Takes the client's place on its port.
    func enter(_ port: SharedPort) throws(ICEError) {
        guard !port.isClosed else { throw ICEError(.closed, "the shared port is closed; open a new one") }
        member?.client = self
        guard member?.take(agent.localParameters.usernameFragment) == true else {
            throw ICEError(
                .usernameFragmentInUse,
                "another client of the port has this username fragment: close it first, or take other localCredentials")
        }
    }
}

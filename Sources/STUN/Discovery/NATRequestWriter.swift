import NetBase

/// What requests say besides their question, and who signs them.
package struct NATRequestWriter {
    /// How requests prove who sends them.
    package enum Authentication {
        /// Not at all.
        case none
        /// As RFC 8489 §9.1 has it.
        case shortTerm(username: String, IntegrityKey, IntegrityAlgorithm)
        /// As RFC 8489 §9.2 has it, once the server asks.
        case longTerm(LongTermAuthenticator)
    }

    private var authentication: Authentication
    private let software: String?
    private let usesFingerprint: Bool
    private var generator: any RandomNumberGenerator

    /// A writer; the generator makes the transaction IDs.
    package init(
        authentication: Authentication = .none, software: String? = nil, usesFingerprint: Bool = true,
        generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        self.authentication = authentication
        self.software = software
        self.usesFingerprint = usesFingerprint
        self.generator = generator
    }

    /// A request under a new ID, and the key that its answer must be signed with.
    mutating func write(_ question: NATQuestion) -> (STUNMessage, IntegrityKey?) {
        var request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(using: &generator))
        if let change = question.change { request.append(change) }
        if let port = question.responsePort?.port { request.append(STUNMessage.ResponsePort(port)) }
        var key: IntegrityKey?
        // A request to ourselves may end up elsewhere: it says nothing of us.
        if !question.test.isHairpin {
            if let software { request.append(STUNMessage.Software(software)) }
            key = sign(&request)
        }
        if usesFingerprint { request.appendFingerprint() }
        return (request, key)
    }

    private func sign(_ request: inout STUNMessage) -> IntegrityKey? {
        switch authentication {
        case .none: return nil
        case .shortTerm(let username, let key, let algorithm):
            request.append(STUNMessage.Username(username))
            request.appendIntegrity(key, algorithm)
            return key
        case .longTerm(let authenticator):
            authenticator.sign(&request)
            return authenticator.key
        }
    }

    /// Whether the server's error asks for other credentials, and there are some.
    mutating func learns(from response: STUNMessage, to request: STUNMessage, retries: Int) -> Bool {
        guard case .longTerm(var authenticator) = authentication,
            let code = response[STUNMessage.ErrorCode.self]?.code, code == 401 || code == 438
        else { return false }
        let decision = authenticator.handle(response, to: request, retries: retries)
        authentication = .longTerm(authenticator)
        return decision == .retry
    }
}

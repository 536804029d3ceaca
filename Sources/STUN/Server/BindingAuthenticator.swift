import Digest

/// The server's look at a Binding request or indication that is signed with short-term credentials, as an ICE agent receives it
/// (RFC 8489 §6.3, §9.1.3; RFC 8445 §7.3).
///
/// It looks in the order of RFC 8489 §6.3: method and class, fingerprint, credentials, unknown attributes. A request that fails
/// has cost one HMAC at most and changes nothing.
package struct BindingAuthenticator {
    /// What to do with a message.
    package enum Verdict: Hashable, Sendable {
        /// It is from somebody who knows the password; sign the response with the same algorithm.
        case accepted(IntegrityAlgorithm)
        /// Send this error response: 400, 401 or 420.
        case reply(STUNMessage, code: Int)
        /// Do nothing.
        case discard(DiscardReason)
    }

    /// Why a message gets no answer.
    package enum DiscardReason: Hashable, Sendable {
        /// It is no Binding request or indication.
        case unexpectedType
        /// FINGERPRINT is wrong, or missing where it is required: it may not be STUN at all.
        case fingerprint
        /// An indication without credentials, or with wrong ones (RFC 8489 §9.1.3).
        case unauthenticated
        /// An indication with attributes that must be understood and are not (RFC 8489 §6.3.2).
        case unknownAttributes([UInt16])
    }

    private let key: IntegrityKey
    private let fragment: [UInt8]
    private let known: STUNAttributeSet
    private let requiresFingerprint: Bool
    private let software: String?

    /// A look with our own fragment and password, by which peers address us.
    package init(
        localFragment: String, key: IntegrityKey, knownAttributes: STUNAttributeSet = .ice,
        requiresFingerprint: Bool = true, software: String? = nil
    ) {
        self.key = key
        fragment = Array(localFragment.utf8)
        known = knownAttributes
        self.requiresFingerprint = requiresFingerprint
        self.software = software
    }

    /// What to do with a request or indication.
    package func judge(_ message: STUNMessage) -> Verdict {
        judge(CheckView(message), in: message.bytes.span)
    }

    /// What to do with a request or indication that is read where it lies: the view of it, and the same bytes.
    package func judge(_ check: CheckView, in bytes: Span<UInt8>) -> Verdict {
        guard check.method == .binding, !check.messageClass.isResponse else { return .discard(.unexpectedType) }
        switch check.fingerprint(in: bytes) {
        case .valid: break
        case .missing where !requiresFingerprint: break
        case .missing, .invalid: return .discard(.fingerprint)
        }
        let isRequest = check.messageClass == .request
        let algorithm: IntegrityAlgorithm
        switch authenticate(check, in: bytes) {
        case .success(let valid): algorithm = valid
        case .failure(let refusal): return isRequest ? reject(check, refusal.error) : .discard(.unauthenticated)
        }
        let unknown = check.unknownRequiredAttributes(in: bytes, known: known)
        if unknown.isEmpty { return .accepted(algorithm) }
        guard isRequest else { return .discard(.unknownAttributes(unknown)) }
        var response = STUNMessage.unknownAttributesResponse(to: check, unknown, software: software)
        seal(&response, algorithm, for: check)
        return .reply(response, code: 420)
    }

    /// Signs a response to an accepted request with the request's algorithm, and gives it a fingerprint where the request has one.
    package func seal(_ response: inout STUNMessage, _ algorithm: IntegrityAlgorithm, for request: CheckView) {
        response.appendIntegrity(key, algorithm)
        if request.hasFingerprint { response.appendFingerprint() }
    }

    /// Signs a response to an accepted request that is a message.
    package func seal(_ response: inout STUNMessage, _ algorithm: IntegrityAlgorithm, for request: STUNMessage) {
        seal(&response, algorithm, for: CheckView(request))
    }

    /// Writes the code of an integrity attribute whose type and length are there; zeros should libcrypto fail.
    func sign(_ bytes: inout [UInt8], at location: STUNAttributeLocation, _ algorithm: IntegrityAlgorithm) {
        if let code = STUNWire.integrity(of: bytes.span, before: location, key, algorithm) {
            code.write(to: &bytes, at: location.value.lowerBound)
        } else {
            for index in location.value { bytes[index] = 0 }
        }
    }
}

// MARK: - Credentials

extension BindingAuthenticator {
    private enum Refusal: Error {
        case badRequest, unauthenticated

        var error: STUNMessage.ErrorCode {
            switch self {
            case .badRequest: .badRequest
            case .unauthenticated: .unauthenticated
            }
        }
    }

    /// The name is looked at before the code: of those who do not even know our fragment, none costs an HMAC.
    private func authenticate(_ check: CheckView, in bytes: Span<UInt8>) -> Result<IntegrityAlgorithm, Refusal> {
        guard check.isSigned, let username = check.username else { return .failure(.badRequest) }
        guard isOurs(bytes.extracting(username)), case .valid(let algorithm) = check.verifyIntegrity(key, in: bytes)
        else { return .failure(.unauthenticated) }
        return .success(algorithm)
    }

    /// "the first part of the username" is our fragment, up to the colon; the rest is any, of any length (RFC 8445 §7.3).
    private func isOurs(_ username: Span<UInt8>) -> Bool {
        guard username.count > fragment.count, username[fragment.count] == UInt8(ascii: ":") else { return false }
        return constantTimeEqual(username.extracting(0..<fragment.count), fragment.span)
    }

    /// "a server MUST NOT include a MESSAGE-INTEGRITY-SHA256, MESSAGE-INTEGRITY, or USERNAME attribute in the error response"
    /// (RFC 8489 §9.1.3).
    private func reject(_ request: CheckView, _ error: STUNMessage.ErrorCode) -> Verdict {
        var response = STUNMessage.errorResponse(to: request, error, software: software)
        if request.hasFingerprint { response.appendFingerprint() }
        return .reply(response, code: error.code)
    }
}

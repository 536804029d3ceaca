import NetBase
import STUN

extension AllocationClient {
    /// How long to wait before a refresh that failed in passing is repeated: several times before anything expires.
    static let retryInterval = Duration.seconds(5)

    /// "The client SHOULD wait at least 1 minute before trying to create any more allocations on the server" (RFC 8656 §7.4).
    static let capacityPause = Duration.seconds(60)

    /// "it SHOULD NOT try to create another allocation on the server for 2 minutes" (RFC 8656 §7.4).
    static let mismatchPause = Duration.seconds(120)

    /// "The client SHOULD try three different client transport addresses before giving up on this server" (RFC 8656 §7.4).
    static let portLimit = 3

    /// RFC 8656 §7.4, line by line.
    mutating func allocateFailed(
        _ error: STUNMessage.ErrorCode, _ refusal: LongTermAuthenticator.Refusal?, _ response: STUNMessage,
        at now: Instant
    ) {
        guard case .allocating = lifecycle else { return }
        switch error.code {
        case 300:
            let alternates = response.alternateServers
            guard !alternates.isEmpty else { break }
            return end(
                .redirected(to: alternates, domain: response[STUNMessage.AlternateDomain.self]?.value), at: now)
        case 420 where usesDontFragment && response.rejectsDontFragment:
            usesDontFragment = false
            return start(TURNRequest(.allocate), at: now)
        // RFC 8016 §3.1.4: "the client will retry with the Allocate request without the MOBILITY-TICKET attribute" where that is forbidden.
        case 405 where usesMobility:
            usesMobility = false
            return start(TURNRequest(.allocate), at: now)
        case 437 where rejectedPorts + 1 < Self.portLimit:
            rejectedPorts += 1
            // A nonce is good for one source address only.
            authenticator.forgetChallenge()
            return end(.portRejected, at: now)
        default: break
        }
        tell(.error(.allocate, error))
        let cause: AllocationFailure.Cause =
            refusal.map { .unauthorized($0) } ?? .refused(code: error.code, reason: error.reason)
        end(.failed(.init(cause: cause, retry: retryRule(for: error.code))), at: now)
        rejectedPorts = 0
    }

    private func retryRule(for code: Int) -> RetryRule {
        let demandsPort = demandsPort && (options.evenPort != nil || options.reservationToken != nil)
        return switch code {
        case 408: .overAnotherTransport
        case 437: .after(Self.mismatchPause)
        case 486: .after(Self.capacityPause)
        case 508: demandsPort ? .withoutPortDemands : .after(Self.capacityPause)
        // 500 to 599 are the server's own troubles, which pass (RFC 8489 §6.3.4).
        case 500...: .after(Self.capacityPause)
        default: .never
        }
    }
}

extension STUNMessage.ErrorCode {
    /// Whether the same request may well succeed a little later, while what it refreshes still lives.
    var isPassing: Bool { code >= 500 || code == 486 || code == 408 }
}

extension AllocationEvent {
    static func error(_ method: STUNMethod, _ error: STUNMessage.ErrorCode) -> AllocationEvent {
        .error(method, code: error.code, reason: error.reason)
    }
}

extension STUNMessage {
    var lifetime: Duration? { self[Lifetime.self].map { .seconds(Int64($0.value)) } }

    /// All relayed addresses; throws where one is of a family that nobody knows.
    func relayedAddresses() throws(STUNError) -> [TransportAddress] {
        var result: [TransportAddress] = []
        for location in attributes where location.isCovered && location.type == XORRelayedAddress.type {
            let value = bytes.span.extracting(location.value)
            let address = try XORRelayedAddress(decoding: value, transactionID: transactionID).address
            if !result.contains(where: { $0.family == address.family }) { result.append(address) }
        }
        return result
    }

    var refusedFamily: RefusedFamily? {
        self[AddressErrorCode.self].map { RefusedFamily(family: $0.family, code: $0.code, reason: $0.reason) }
    }

    /// The servers of all ALTERNATE-SERVER attributes: the client's own family comes first (RFC 8489 §10).
    var alternateServers: [TransportAddress] {
        attributes.compactMap { location in
            guard location.isCovered, location.type == AlternateServer.type else { return nil }
            let value = bytes.span.extracting(location.value)
            return try? AlternateServer(decoding: value, transactionID: transactionID).address
        }
    }

    var rejectsDontFragment: Bool { self[UnknownAttributes.self]?.value.contains(DontFragment.type) == true }
}

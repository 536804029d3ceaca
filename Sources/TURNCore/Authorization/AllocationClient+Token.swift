import DequeModule
package import NetBase
package import STUN

// Third-party authorization (RFC 7635).
extension AllocationClient {
    /// An Allocate request that waits for a token.
    struct ParkedRequest {
        let challenge: STUNMessage
        let until: Instant
    }

    /// How long an Allocate request waits for a token that the application was asked for.
    static let tokenPatience = Duration.seconds(30)

    /// Takes an access token, asked for or not; nil says that there is none to be had.
    ///
    /// An allocation that is there is refreshed with it at once: "The client MUST use the new token to refresh existing allocations"
    /// (RFC 7635 §9).
    package mutating func provide(_ token: TURNAccessToken?, until expiry: Instant? = nil, at now: Instant) {
        guard let token else { return proceedWithoutToken(at: now) }
        // Allocations live no longer than the token (RFC 7635 §9), and it is renewed as they are refreshed.
        let remainder = expiry.map { $0 - now } ?? token.lifetime
        let interval = RefreshInterval.ofAllocation(living: remainder, using: &generator)
        authenticator.take(SessionCredential(token, renewal: now + interval))
        if parked != nil {
            parked = nil
            if authenticator.isRejected { return changePort(at: now) }
            start(TURNRequest(.allocate), at: now)
        } else if lifecycle.isAllocated, authenticator.isRenewing {
            waiting.prepend(takeRefresh() ?? TURNRequest(.refresh(seconds: Self.seconds(options.lifetime), nil)))
            launch(at: now)
        }
    }

    /// Whether the server is being offered a newer token, and may know either's session key.
    var isOffering: Bool {
        authenticator.isRenewing && outstanding.contains { authenticator.isOffered($0.credential) }
    }

    /// The refresh that is on its way or waits: it might bring the server back to the old token if it were repeated behind the new one.
    private mutating func takeRefresh() -> TURNRequest? {
        let isRefresh: (TURNRequest) -> Bool = {
            if case .refresh(1..., _) = $0.purpose { true } else { false }
        }
        let found = outstanding.first { isRefresh($0.request) }?.request ?? waiting.first(where: isRefresh)
        outstanding.removeAll { isRefresh($0.request) }
        waiting.removeAll(where: isRefresh)
        if case .allocated(var allocation) = lifecycle {
            allocation.refreshDue = nil
            lifecycle = .allocated(allocation)
        }
        return found
    }

    /// A request is to be made anew when there is another token; false where it is not worth the wait.
    mutating func awaitToken(for request: TURNRequest, _ challenge: STUNMessage, at now: Instant) -> Bool {
        switch request.purpose {
        case .allocate:
            parked = ParkedRequest(challenge: challenge, until: now + Self.tokenPatience)
        case .refresh(1..., _): break
        case .refresh, .move, .permit, .bind, .connect: return false
        }
        tellQuestion()
        return true
    }

    mutating func advanceAuthorization(to now: Instant) {
        if let parked, parked.until <= now { proceedWithoutToken(at: now) }
        authenticator.advance(to: now)
        tellQuestion()
    }

    mutating func tellQuestion() {
        if let serverName = authenticator.takeQuestion() { tell(.accessTokenNeeded(serverName: serverName)) }
    }

    private mutating func proceedWithoutToken(at now: Instant) {
        guard let challenge = parked?.challenge else { return }
        parked = nil
        switch authenticator.handleWithoutToken(challenge) {
        case .retry, .awaitToken: start(TURNRequest(.allocate), at: now)
        case .changePort: changePort(at: now)
        case .giveUp(let refusal): end(.failed(.init(cause: .unauthorized(refusal), retry: .never)), at: now)
        case .refuse(let refusal): refused(refusal, at: now)
        }
    }

    mutating func changePort(at now: Instant) {
        guard case .allocating = lifecycle else { return }
        authenticator.forgetChallenge()
        end(.portRejected, at: now)
    }

    mutating func refused(_ refusal: AccessTokenRefusal, at now: Instant) {
        guard case .allocating = lifecycle else { return }
        end(.failed(.init(cause: .accessToken(refusal), retry: .never)), at: now)
    }
}

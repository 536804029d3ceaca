import COpenSSL
package import NetBase

/// One end of a TLS or DTLS connection as a machine over bytes, without I/O.
///
/// Whoever owns the socket hands in what arrived and performs the effects, in order, until ``nextEffect()`` has none. A client begins
/// with ``start(at:)``, a server with the first bytes. Each `.send` of a DTLS session is one datagram, and each
/// ``receive(_:at:)`` takes one. After `.closed` or `.failed` nothing else comes.
///
///     idle ──start──▶ handshaking ──▶ connected ──▶ ended
///                          └───────── failure ────────▲
///
/// DTLS flights are sent again by OpenSSL, and it measures that time on the system's clock, with no way to hand it another. ``deadline``
/// says on the caller's clock when ``advance(to:)`` should be called; where OpenSSL does not find the time come by its own clock, the
/// deadline moves on by what is left. On clocks that tick alike that is an exact timer; in virtual time the flight waits until as
/// much real time has passed.
@safe
package final class TLSSession {
    /// What the owner of the socket has to do or to know.
    package enum Effect: Hashable, Sendable {
        /// Send these bytes: one datagram, or the next part of the stream.
        case send([UInt8])
        /// The handshake is complete, and the server proved who it is, unless verification is off.
        case handshakeCompleted
        /// Data from the peer: one record.
        case received([UInt8])
        /// The peer closed the connection in order.
        case closed
        /// The connection is over; nothing more may be sent.
        case failed(TLSError)
    }

    private enum State { case idle, handshaking, connected, ended }

    /// The most plaintext bytes that one DTLS record carries (RFC 6347 §4.1, RFC 5246 §6.2.1).
    package static let maximumRecordByteCount = 16384

    /// The bytes that may wait in effects before ``write(_:at:)`` and ``receive(_:at:)`` take no more.
    package static let maximumPendingByteCount = 1 << 20

    // Fits every path that carries IPv6 (1280 bytes) with the IPv6 and UDP headers off.
    private static let handshakeDatagramByteCount = 1232

    private let context: TLSContext
    private let wire: Wire
    private let ssl: OpaquePointer
    private var state: State
    private var effects: [Effect] = []
    private var nextEffectIndex = 0
    private var pendingByteCount = 0
    /// How many bytes are to be sent by effects that nobody has taken yet.
    package private(set) var unsentByteCount = 0
    private var record = [UInt8](repeating: 0, count: maximumRecordByteCount)

    /// When to call ``advance(to:)``: the DTLS retransmission timer; nil while it does not run, and always for TLS.
    package private(set) var deadline: Instant?

    /// A client's session with a server that has to prove the identity.
    ///
    /// The DTLS retransmission timeout doubles from the given one, and the session fails after twelve (RFC 6347 §4.2.4.1 asks for 1 s).
    package convenience init(
        client context: TLSContext, identity: ServerIdentity, retransmissionTimeout: Duration = .seconds(1)
    ) throws(TLSError) {
        precondition(!context.isServer, "a client's session needs a client's context")
        try self.init(context, retransmissionTimeout: retransmissionTimeout)
        try setIdentity(identity)
        unsafe SSL_set_connect_state(ssl)
    }

    /// A server's session with one client.
    package convenience init(
        server context: TLSContext, retransmissionTimeout: Duration = .seconds(1)
    ) throws(TLSError) {
        precondition(context.isServer, "a server's session needs a server's context")
        try self.init(context, retransmissionTimeout: retransmissionTimeout)
        unsafe SSL_set_accept_state(ssl)
        state = .handshaking
    }

    private init(_ context: TLSContext, retransmissionTimeout: Duration) throws(TLSError) {
        ERR_clear_error()
        self.context = context
        state = .idle
        wire = Wire(context.transport, retransmissionTimeout: retransmissionTimeout)
        guard let ssl = unsafe SSL_new(context.pointer) else { throw .takingFromQueue(otherwise: .outOfResources) }
        unsafe self.ssl = ssl
        guard let bio = unsafe wire.makeBIO(method: context.wireMethod) else {
            throw .takingFromQueue(otherwise: .outOfResources)
        }
        unsafe SSL_set_bio(ssl, bio, bio)
        if context.transport == .datagram {
            unsafe SSL_set_options(ssl, shim_SSL_OP_NO_QUERY_MTU())
            unsafe shim_SSL_set_mtu(ssl, Self.handshakeDatagramByteCount)
            unsafe Wire.setTimerCallback(ssl)
        }
    }

    deinit {
        unsafe SSL_free(ssl)
    }

    private func setIdentity(_ identity: ServerIdentity) throws(TLSError) {
        let parameters = unsafe SSL_get0_param(ssl)
        let isSet: Bool
        switch identity {
        case .name(let name):
            guard 1...253 ~= name.utf8.count, !name.utf8.contains(0) else {
                throw TLSError(.badServerIdentity, reason: "not a host name: \(name.debugDescription)")
            }
            unsafe X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            isSet =
                unsafe X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) == 1
                && shim_SSL_set_tlsext_host_name(ssl, name) == 1
        case .address(let address):
            isSet = unsafe X509_VERIFY_PARAM_set1_ip(parameters, address.bytes, address.byteCount) == 1
        }
        guard isSet else { throw .takingFromQueue(otherwise: .badServerIdentity) }
    }

    /// The protocol version that was agreed on, such as `TLSv1.3`; nil before the handshake is complete.
    package var protocolVersion: String? {
        guard state == .connected else { return nil }
        return unsafe String(cString: SSL_get_version(ssl))
    }
}

// MARK: - Inputs

extension TLSSession {
    /// Sends a client's first flight.
    package func start(at now: Instant) {
        guard state == .idle else { return }
        state = .handshaking
        proceed()
        settle(at: now)
    }

    /// Takes what arrived: one datagram, or the next part of the stream, split anywhere.
    package func receive(_ bytes: Span<UInt8>, at now: Instant) {
        guard state == .handshaking || state == .connected else { return }
        guard pendingByteCount <= Self.maximumPendingByteCount else {
            // A lost datagram is nothing special; a gap in a stream cannot be healed.
            if context.transport == .stream { fail(TLSError(.bufferFull, reason: "effects were not taken")) }
            return
        }
        wire.withIncoming(bytes) { proceed() }
        settle(at: now)
    }

    /// Sends data to the peer; over DTLS as one datagram. No bytes is no record.
    package func write(_ plaintext: Span<UInt8>, at now: Instant) throws(TLSError) {
        switch state {
        case .idle, .handshaking: throw TLSError(.notConnected, reason: "the handshake is not complete")
        case .ended: throw TLSError(.closed, reason: "the session is over")
        case .connected: break
        }
        guard plaintext.count > 0 else { return }
        guard pendingByteCount + plaintext.count <= Self.maximumPendingByteCount else {
            throw TLSError(.bufferFull, reason: "\(pendingByteCount) bytes wait to be sent")
        }
        if context.transport == .datagram, plaintext.count > Self.maximumRecordByteCount {
            throw TLSError(.messageTooLarge, reason: "\(plaintext.count) bytes for one record")
        }
        ERR_clear_error()
        let result = unsafe plaintext.withUnsafeBufferPointer { buffer in
            unsafe SSL_write(ssl, buffer.baseAddress, CInt(buffer.count))
        }
        if result <= 0 { handleStop(result) }
        settle(at: now)
    }

    /// Tells the peer that nothing more comes, and ends the session; what still arrives is ignored.
    package func shutdown() {
        if state == .connected {
            ERR_clear_error()
            unsafe SSL_shutdown(ssl)
            ERR_clear_error()
            collectOutgoing()
        }
        end()
    }

    /// Sends the last DTLS flight again if its time has come; fails the session when it was sent often enough.
    package func advance(to now: Instant) {
        guard let deadline, deadline <= now else { return }
        ERR_clear_error()
        if unsafe shim_DTLSv1_handle_timeout(ssl) < 0 {
            fail(.takingFromQueue(otherwise: .timedOut))
        }
        wire.didTimerChange = true
        settle(at: now)
    }

    /// The next thing to do, until nil.
    package func nextEffect() -> Effect? {
        guard nextEffectIndex < effects.count else {
            effects.removeAll(keepingCapacity: true)
            nextEffectIndex = 0
            return nil
        }
        let effect = effects[nextEffectIndex]
        nextEffectIndex += 1
        if case .send(let bytes) = effect {
            pendingByteCount -= bytes.count
            unsentByteCount -= bytes.count
        }
        if case .received(let bytes) = effect { pendingByteCount -= bytes.count }
        return effect
    }
}

// MARK: - Driving OpenSSL

extension TLSSession {
    private func proceed() {
        ERR_clear_error()
        if state == .handshaking {
            let result = unsafe SSL_do_handshake(ssl)
            if result == 1 {
                guard peerHasPinnedCertificate else {
                    return fail(TLSError(.pinMismatch, reason: "the peer's certificate is not the pinned one"))
                }
                state = .connected
                collectOutgoing()
                effects.append(.handshakeCompleted)
            } else {
                handleStop(result)
            }
        }
        while state == .connected {
            let count = unsafe record.withUnsafeMutableBytes { buffer in
                unsafe SSL_read(ssl, buffer.baseAddress, CInt(buffer.count))
            }
            guard count > 0 else {
                handleStop(count)
                return
            }
            pendingByteCount += Int(count)
            effects.append(.received(Array(record[..<Int(count)])))
        }
    }

    private var peerHasPinnedCertificate: Bool {
        guard let pin = context.pin else { return true }
        guard let certificate = unsafe SSL_get1_peer_certificate(ssl) else { return false }
        defer { unsafe X509_free(certificate) }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let isMade = unsafe digest.withUnsafeMutableBufferPointer { buffer in
            unsafe X509_digest(certificate, EVP_sha256(), buffer.baseAddress, &count)
        }
        return isMade == 1 && Array(digest.prefix(Int(count))) == pin
    }

    /// Finds out why a call did not succeed: for want of bytes as a rule.
    private func handleStop(_ result: CInt) {
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            break
        case SSL_ERROR_ZERO_RETURN:
            unsafe SSL_shutdown(ssl)
            collectOutgoing()
            effects.append(.closed)
            end()
        default:
            if ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED,
                let error = unsafe TLSError(verifyResult: SSL_get_verify_result(ssl))
            {
                ERR_clear_error()
                fail(error)
            } else {
                fail(.takingFromQueue(otherwise: .protocolViolation))
            }
        }
    }

    private func fail(_ error: TLSError) {
        // The alert that tells the peer goes out first.
        collectOutgoing()
        effects.append(.failed(error))
        end()
    }

    private func end() {
        state = .ended
        deadline = nil
    }

    private func settle(at now: Instant) {
        collectOutgoing()
        guard wire.didTimerChange, state != .ended else { return }
        wire.didTimerChange = false
        let microseconds = unsafe shim_DTLSv1_get_timeout(ssl)
        // OpenSSL answers 0 in the last 15 ms and then does find the time come.
        deadline = microseconds < 0 ? nil : now + .microseconds(microseconds)
    }

    private func collectOutgoing() {
        for bytes in wire.takeOutgoing() {
            pendingByteCount += bytes.count
            unsentByteCount += bytes.count
            appendSend(bytes)
        }
    }

    private func appendSend(_ bytes: [UInt8]) {
        guard context.transport == .stream, nextEffectIndex < effects.count, case .send = effects[effects.count - 1],
            case .send(var waiting) = effects.removeLast()
        else {
            effects.append(.send(bytes))
            return
        }
        waiting += bytes
        effects.append(.send(waiting))
    }
}

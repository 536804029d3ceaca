import COpenSSL

extension TLSError {
    /// The fault at the front of OpenSSL's queue of this thread, which is emptied; the first entry is the cause.
    static func takingFromQueue(otherwise code: Code) -> TLSError {
        defer { ERR_clear_error() }
        let packed = ERR_get_error()
        guard packed != 0 else { return TLSError(code, reason: "no reason given") }
        let number = ERR_GET_REASON(packed)
        let text = unsafe ERR_reason_error_string(packed).map { text in unsafe String(cString: text) }
        let reason = text ?? "error \(number)"
        guard ERR_GET_LIB(packed) == ERR_LIB_SSL else { return TLSError(code, reason: reason) }
        // Alerts from the peer are queued under their number plus this offset.
        if number >= SSL_AD_REASON_OFFSET { return TLSError(.peerAlert, reason: reason) }
        return TLSError(number == SSL_R_READ_TIMEOUT_EXPIRED ? .timedOut : code, reason: reason)
    }

    /// The verdict on the peer's certificate, in X.509 numbers; nil when it was accepted or never came to one.
    init?(verifyResult: Int) {
        let result = CInt(truncatingIfNeeded: verifyResult)
        let code: Code
        switch result {
        case X509_V_OK:
            return nil
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            code = .hostMismatch
        case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID:
            code = .certificateOutOfDate
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            code = .untrustedCertificate
        default:
            code = .certificateRejected
        }
        self.init(code, reason: unsafe String(cString: X509_verify_cert_error_string(verifyResult)))
    }
}

/// Why a TLS or DTLS session could not be set up or did not go on.
package struct TLSError: Error, Hashable, Sendable {
    /// The kinds of fault that callers tell apart; new ones may be added.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `hostMismatch`.
        package let description: String
        private init(_ name: String) { description = name }

        /// The PEM bytes hold no usable certificate, or a key that does not fit it.
        package static let badPEM = Code("badPEM")
        /// The server's name cannot stand in a certificate: empty, too long, or with a zero byte.
        package static let badServerIdentity = Code("badServerIdentity")
        /// The certificate is for another host name or IP address.
        package static let hostMismatch = Code("hostMismatch")
        /// The certificate's time has passed or has not come.
        package static let certificateOutOfDate = Code("certificateOutOfDate")
        /// No trusted authority vouches for the certificate, self-signed ones included.
        package static let untrustedCertificate = Code("untrustedCertificate")
        /// The certificate is another than the pinned one.
        package static let pinMismatch = Code("pinMismatch")
        /// The certificate was refused for another reason; ``TLSError/reason`` says which.
        package static let certificateRejected = Code("certificateRejected")
        /// The peer refused to go on and said why in an alert.
        package static let peerAlert = Code("peerAlert")
        /// What came from the peer is not TLS, or breaks its rules.
        package static let protocolViolation = Code("protocolViolation")
        /// The peer stayed silent through every retransmission of a DTLS flight.
        package static let timedOut = Code("timedOut")
        /// Data was handed over before the handshake was complete.
        package static let notConnected = Code("notConnected")
        /// Data was handed over after the session had ended.
        package static let closed = Code("closed")
        /// More bytes wait to be taken by ``TLSSession/nextEffect()`` than the limit allows.
        package static let bufferFull = Code("bufferFull")
        /// The data does not fit one DTLS record (16384 bytes).
        package static let messageTooLarge = Code("messageTooLarge")
        /// OpenSSL refused to make an object, for want of memory as a rule.
        package static let outOfResources = Code("outOfResources")
    }

    /// The kind of fault.
    package let code: Code

    /// OpenSSL's words for it, such as `certificate has expired`.
    package let reason: String

    /// A fault of a kind, with the words for it.
    package init(_ code: Code, reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension TLSError: CustomStringConvertible {
    /// `hostMismatch: hostname mismatch`.
    package var description: String { "\(code): \(reason)" }
}

import COpenSSL

/// What all sessions of one kind share: the protocol, whom to trust, and a server's certificate.
///
/// It owns an `SSL_CTX` and the `BIO_METHOD` of its sessions, which keep it alive. TLS 1.2 and DTLS 1.2 are the oldest versions spoken.
@safe
package final class TLSContext {
    /// What carries the records.
    package enum Transport: Hashable, Sendable {
        /// A byte stream: TLS.
        case stream
        /// Datagrams: DTLS.
        case datagram
    }

    /// Whose word is taken for the peer's certificate.
    package enum Trust: Hashable, Sendable {
        /// The authorities that the operating system trusts.
        case system
        /// These authorities only, as PEM certificates.
        case authorities(pem: [UInt8])
        /// The server that shows this certificate, given by the SHA-256 digest of its DER form, whatever name and dates it has.
        case pinned(sha256: [UInt8])
        /// Anyone's: the peer's certificate and name are not looked at. Encrypts against bystanders only.
        case unverified
    }

    /// A version of TLS that a stream's sessions may be held to.
    package enum Version: Hashable, Sendable {
        /// TLS 1.2 (RFC 5246).
        case tls12
        /// TLS 1.3 (RFC 8446).
        case tls13

        var number: CInt { self == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION }
    }

    let transport: Transport
    let isServer: Bool
    let pointer: OpaquePointer
    let wireMethod: OpaquePointer

    /// The digest that the peer's certificate must have; nil where OpenSSL's own verification decides.
    private(set) var pin: [UInt8]?

    private init(_ transport: Transport, isServer: Bool, newest: Version) throws(TLSError) {
        self.transport = transport
        self.isServer = isServer
        let method = unsafe Self.method(transport, isServer: isServer)
        guard let context = unsafe SSL_CTX_new(method) else {
            throw .takingFromQueue(otherwise: .outOfResources)
        }
        guard let wireMethod = unsafe Wire.makeMethod() else {
            unsafe SSL_CTX_free(context)
            throw .takingFromQueue(otherwise: .outOfResources)
        }
        unsafe pointer = context
        unsafe self.wireMethod = wireMethod
        let range =
            switch transport {
            case .stream: (TLS1_2_VERSION, newest.number)
            // 0: the newest that the library has.
            case .datagram: (DTLS1_2_VERSION, CInt(0))
            }
        guard unsafe shim_SSL_CTX_set_protocol_range(context, range.0, range.1) == 1 else {
            throw .takingFromQueue(otherwise: .outOfResources)
        }
        unsafe SSL_CTX_set_options(context, shim_SSL_OP_NO_RENEGOTIATION() | shim_SSL_OP_NO_COMPRESSION())
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
        unsafe BIO_meth_free(wireMethod)
    }

    private static func method(_ transport: Transport, isServer: Bool) -> OpaquePointer? {
        switch (transport, isServer) {
        case (.stream, false): unsafe TLS_client_method()
        case (.stream, true): unsafe TLS_server_method()
        case (.datagram, false): unsafe DTLS_client_method()
        case (.datagram, true): unsafe DTLS_server_method()
        }
    }

    /// The client's end; throws ``TLSError/Code/badPEM`` when authorities are given that cannot be read.
    package static func client(
        _ transport: Transport, trust: Trust = .system, newest: Version = .tls13
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(transport, isServer: false, newest: newest)
        try context.setTrust(trust)
        return context
    }

    /// The server's end, with its certificate, those of its intermediate authorities behind it, and its key, all as PEM.
    ///
    /// It asks clients for no certificate. Throws ``TLSError/Code/badPEM`` when something cannot be read or the key does not fit.
    package static func server(
        _ transport: Transport, certificateChain: [UInt8], privateKey: [UInt8], newest: Version = .tls13
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(transport, isServer: true, newest: newest)
        try context.setCertificate(chain: certificateChain, privateKey: privateKey)
        return context
    }

    private func setTrust(_ trust: Trust) throws(TLSError) {
        switch trust {
        case .pinned(let digest):
            pin = digest
            unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
            return
        case .unverified:
            unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
            return
        case .system:
            guard unsafe SSL_CTX_set_default_verify_paths(pointer) == 1 else {
                throw .takingFromQueue(otherwise: .outOfResources)
            }
        case .authorities(let pem):
            let store = unsafe SSL_CTX_get_cert_store(pointer)
            for certificate in try PEM.certificates(in: pem) {
                guard unsafe X509_STORE_add_cert(store, certificate.pointer) == 1 else {
                    throw .takingFromQueue(otherwise: .badPEM)
                }
            }
        }
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    }

    private func setCertificate(chain: [UInt8], privateKey: [UInt8]) throws(TLSError) {
        let certificates = try PEM.certificates(in: chain)
        let key = try PEM.privateKey(in: privateKey)
        guard let leaf = certificates.first,
            unsafe SSL_CTX_use_certificate(pointer, leaf.pointer) == 1,
            unsafe SSL_CTX_use_PrivateKey(pointer, key.pointer) == 1
        else {
            throw .takingFromQueue(otherwise: .badPEM)
        }
        for certificate in certificates.dropFirst() {
            guard unsafe shim_SSL_CTX_add1_chain_cert(pointer, certificate.pointer) == 1 else {
                throw .takingFromQueue(otherwise: .badPEM)
            }
        }
    }
}

package import NetBase

/// A STUN server without state: it answers Binding requests with the address they came from (RFC 8489 §6.3.1).
///
/// Binding is idempotent, so that a repeated request is simply answered again.
package struct STUNServerCore: Sendable {
    private let software: String?
    private let known: STUNAttributeSet

    /// A server that names its software and understands some attributes.
    package init(software: String? = nil, knownAttributes: STUNAttributeSet = .stun) {
        self.software = software
        known = knownAttributes
    }

    /// The response to a datagram, nil where it deserves none: not STUN, not a Binding request, or with a wrong fingerprint.
    package func respond(to bytes: Span<UInt8>, from source: TransportAddress) -> STUNMessage? {
        guard let request = try? STUNMessage(parsing: bytes) else { return nil }
        return respond(to: request, from: source)
    }

    /// The response to a message, nil where it deserves none.
    package func respond(to request: STUNMessage, from source: TransportAddress) -> STUNMessage? {
        let fingerprint = request.fingerprint
        guard request.messageClass == .request, request.method == .binding, fingerprint != .invalid else { return nil }
        let unknown = request.unknownRequiredAttributes(known: known)
        var response =
            unknown.isEmpty
            ? STUNMessage.bindingResponse(to: request, from: source, software: software)
            : STUNMessage.unknownAttributesResponse(to: request, unknown, software: software)
        if fingerprint == .valid { response.appendFingerprint() }
        return response
    }
}

import Digest
package import NetBase

/// Answers authentic Binding requests of ICE, from bytes to bytes (RFC 8489 §6.3.1.1, RFC 8445 §7.3): what a peer's consent checks cost.
///
/// An answer is written where the one before was: if nobody holds that any more, nothing is allocated.
package struct BindingResponder {
    /// Says which requests are authentic.
    package let authenticator: BindingAuthenticator

    private var bytes: [UInt8] = []

    /// A responder with credentials of ours.
    package init(_ authenticator: BindingAuthenticator) {
        self.authenticator = authenticator
    }

    /// The answer to a datagram that is an authentic Binding request and has nothing in it that is not understood; nil for all else.
    package mutating func respond(to bytes: Span<UInt8>, from source: TransportAddress) -> [UInt8]? {
        guard let check = try? CheckView(parsing: bytes), check.messageClass == .request,
            case .accepted(let algorithm) = authenticator.judge(check, in: bytes)
        else { return nil }
        return answer(to: check, from: source, algorithm)
    }

    /// The success response to an accepted request: where it came from, signed with the request's algorithm, and with a fingerprint where
    /// the request has one.
    package mutating func answer(
        to check: CheckView, from source: TransportAddress, _ algorithm: IntegrityAlgorithm
    ) -> [UInt8] {
        let layout = Layout(source.family, algorithm, hasFingerprint: check.hasFingerprint)
        if bytes.count != layout.count { bytes = [UInt8](repeating: 0, count: layout.count) }
        writeFront(layout, check.transactionID, source)
        authenticator.sign(&bytes, at: layout.integrity, algorithm)
        if check.hasFingerprint { writeFingerprint(at: layout.fingerprint) }
        return bytes
    }

    /// Everything in front of the code.
    private mutating func writeFront(_ layout: Layout, _ id: STUNTransactionID, _ source: TransportAddress) {
        let address = AddressCoding.Encoded(source, xor: id)
        var target = bytes.mutableSpan
        target.store(MessageType.encode(.success, .binding), at: 0)
        target.store(UInt16(layout.count - STUNWire.headerLength), at: 2)
        target.store(STUNWire.magicCookie, at: 4)
        target.store(id.high, at: 8)
        target.store(id.low, at: 12)
        target.store(layout.address)
        let value = layout.address.value.lowerBound
        target.store(address.head, at: value)
        switch source.family {
        case .v4: target.store(UInt32(truncatingIfNeeded: address.low), at: value + 4)
        case .v6:
            target.store(address.high, at: value + 4)
            target.store(address.low, at: value + 12)
        }
        target.store(layout.integrity)
    }

    private mutating func writeFingerprint(at location: STUNAttributeLocation) {
        let checksum = STUNWire.fingerprint(of: bytes.span.extracting(0..<location.start))
        var target = bytes.mutableSpan
        target.store(location)
        target.store(checksum, at: location.value.lowerBound)
    }
}

/// Where the attributes of an answer lie.
private struct Layout {
    let address: STUNAttributeLocation
    let integrity: STUNAttributeLocation
    let fingerprint: STUNAttributeLocation
    /// The number of bytes.
    let count: Int

    init(_ family: IPAddress.Family, _ algorithm: IntegrityAlgorithm, hasFingerprint: Bool) {
        address = STUNAttributeLocation(
            STUNMessage.XORMappedAddress.type, behind: STUNWire.headerLength, count: family == .v4 ? 8 : 20)
        integrity = STUNAttributeLocation(
            algorithm.attributeType, behind: address.paddedEnd, count: algorithm.function.byteCount)
        fingerprint = STUNAttributeLocation(STUNMessage.Fingerprint.type, behind: integrity.paddedEnd, count: 4)
        count = hasFingerprint ? fingerprint.paddedEnd : integrity.paddedEnd
    }
}

extension MutableSpan<UInt8> {
    /// Writes the type and length of an attribute.
    fileprivate mutating func store(_ location: STUNAttributeLocation) {
        store(UInt32(location.type) << 16 | UInt32(location.value.count), at: location.start)
    }
}

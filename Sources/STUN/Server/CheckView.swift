/// A message as an ICE agent looks at a connectivity check (RFC 8445 §7.1): read where it lies, in one walk, without a copy or an
/// allocation.
///
/// It has what an agent acts upon, and knows where that lies which is to be verified. The bytes it has not: whoever needs them gets
/// the same ones again, `in bytes`. What it says is not to be believed until ``BindingAuthenticator`` has accepted it. An attribute that is
/// absent or malformed is nil, and of several the first counts, as with `STUNMessage`.
package struct CheckView: STUNAnswerable, Sendable {
    /// Request, indication or response.
    package let messageClass: STUNClass
    /// What the message is about.
    package let method: STUNMethod
    /// The ID that the answer shares.
    package let transactionID: STUNTransactionID
    /// PRIORITY: that of a candidate that is learned from the check.
    package let priority: UInt32?
    /// Whether there is USE-CANDIDATE.
    package let usesCandidate: Bool
    /// NOMINATION: the number of a nomination, where the agents number them.
    package let nomination: UInt32?
    /// NETWORK-INFO: the network that the sender says it comes from.
    package let network: STUNMessage.NetworkInfo?
    /// The tie-breaker of ICE-CONTROLLING.
    package let controllingTieBreaker: UInt64?
    /// The tie-breaker of ICE-CONTROLLED.
    package let controlledTieBreaker: UInt64?

    private let evidence: Evidence

    /// Reads bytes from the network; throws what `STUNMessage.init(parsing:)` throws.
    package init(parsing bytes: Span<UInt8>) throws(STUNError) {
        var found = Findings()
        try STUNWire.validate(bytes) { found.note($0) }
        self.init(found, in: bytes)
    }

    /// Reads a message.
    package init(_ message: STUNMessage) {
        let bytes = message.bytes.span
        var found = Findings()
        var cursor = AttributeCursor()
        while let attribute = cursor.next(in: bytes) { found.note(attribute) }
        self.init(found, in: bytes)
    }

    private init(_ found: Findings, in bytes: Span<UInt8>) {
        let type = bytes.uint16(at: 0)
        messageClass = MessageType.messageClass(of: type)
        method = MessageType.method(of: type)
        transactionID = STUNWire.transactionID(bytes)
        priority = found.priority.read(STUNMessage.Priority.self, in: bytes)?.value
        usesCandidate = found.useCandidate.read(STUNMessage.UseCandidate.self, in: bytes) != nil
        nomination = found.nomination.read(STUNMessage.Nomination.self, in: bytes)?.value
        network = found.network.read(STUNMessage.NetworkInfo.self, in: bytes)
        controllingTieBreaker = found.controlling.read(STUNMessage.ICEControlling.self, in: bytes)?.tieBreaker
        controlledTieBreaker = found.controlled.read(STUNMessage.ICEControlled.self, in: bytes)?.tieBreaker
        evidence = found.evidence
    }
}

// MARK: - What is verified

extension CheckView {
    /// Whether there is a FINGERPRINT, right or wrong; the answer then has one too.
    package var hasFingerprint: Bool { evidence.fingerprint.isFound }

    /// Whether there is one of the integrity attributes, right or wrong.
    var isSigned: Bool { evidence.integrity.isFound || evidence.integritySHA256.isFound }

    /// The indices of USERNAME's value.
    var username: Range<Int>? { evidence.username.isFound ? evidence.username.value : nil }

    /// Whether there is a right FINGERPRINT at the end.
    func fingerprint(in bytes: Span<UInt8>) -> FingerprintVerdict {
        STUNWire.verifyFingerprint(of: bytes, at: evidence.fingerprint.location(STUNMessage.Fingerprint.type))
    }

    /// Whether the message was signed with the key: MESSAGE-INTEGRITY-SHA256 decides where it is present (RFC 8489 §9.1.3).
    func verifyIntegrity(_ key: IntegrityKey, in bytes: Span<UInt8>) -> IntegrityVerdict {
        let algorithm: IntegrityAlgorithm = evidence.integritySHA256.isFound ? .sha256 : .sha1
        let place = algorithm == .sha256 ? evidence.integritySHA256 : evidence.integrity
        return STUNWire.verifyIntegrity(
            of: bytes, at: place.location(algorithm.attributeType), key, algorithm, minimumLength: 32)
    }

    /// The part of USERNAME behind the colon, which is the sender's own fragment (RFC 8445 §7.2.2); empty without one.
    package func remoteUsernameFragment(in bytes: Span<UInt8>) -> String {
        guard let username else { return "" }
        return TextCoding.decodeExactly(bytes.extracting(username), behind: UInt8(ascii: ":")) ?? ""
    }

    /// The types that must be understood and are not in the set, each once, in the order of the message (RFC 8489 §6.3.1).
    func unknownRequiredAttributes(in bytes: Span<UInt8>, known: STUNAttributeSet) -> [UInt16] {
        if known.contains(low: evidence.lowTypes), !evidence.hasOtherRequired { return [] }
        return STUNWire.unknownRequiredAttributes(in: bytes, known: known)
    }
}

// MARK: - The walk

/// Where the first attribute of a kind lies that counts, in eight bytes.
private struct Place: Sendable {
    /// Never 0 where there is one: the header is there.
    private var start: UInt32 = 0
    private var count: UInt16 = 0

    var isFound: Bool { start != 0 }
    var value: Range<Int> { Int(start)..<Int(start) + Int(count) }

    mutating func note(_ attribute: STUNAttributeLocation) {
        guard !isFound else { return }
        start = UInt32(attribute.value.lowerBound)
        count = UInt16(attribute.value.count)
    }

    func location(_ type: UInt16) -> STUNAttributeLocation? {
        isFound ? STUNAttributeLocation(type: type, value: value, isCovered: true) : nil
    }

    func read<Attribute: STUNAttribute>(_: Attribute.Type, in bytes: Span<UInt8>) -> Attribute? {
        guard isFound else { return nil }
        return try? Attribute(decoding: bytes.extracting(value), transactionID: STUNWire.transactionID(bytes))
    }
}

/// What says whether a message is authentic and understood.
private struct Evidence: Sendable {
    var username = Place()
    var integrity = Place()
    var integritySHA256 = Place()
    var fingerprint = Place()
    /// A bit for each type below 64 that is there.
    var lowTypes: UInt64 = 0
    /// Whether there is a type from 64 on that must be understood.
    var hasOtherRequired = false
}

/// Where the attributes lie that a check may have.
private struct Findings {
    private(set) var evidence = Evidence()
    private(set) var priority = Place()
    private(set) var useCandidate = Place()
    private(set) var nomination = Place()
    private(set) var network = Place()
    private(set) var controlling = Place()
    private(set) var controlled = Place()

    @inline(__always)
    mutating func note(_ attribute: STUNAttributeLocation) {
        guard attribute.isCovered else { return }
        if attribute.type < 64 {
            evidence.lowTypes |= 1 << attribute.type
        } else if attribute.type < 0x8000 {
            evidence.hasOtherRequired = true
        }
        switch attribute.type {
        case STUNMessage.Username.type: evidence.username.note(attribute)
        case STUNMessage.Priority.type: priority.note(attribute)
        case STUNMessage.UseCandidate.type: useCandidate.note(attribute)
        case STUNMessage.Nomination.type: nomination.note(attribute)
        case STUNMessage.NetworkInfo.type: network.note(attribute)
        case STUNMessage.ICEControlling.type: controlling.note(attribute)
        case STUNMessage.ICEControlled.type: controlled.note(attribute)
        case STUNMessage.MessageIntegrity.type: evidence.integrity.note(attribute)
        case STUNMessage.MessageIntegritySHA256.type: evidence.integritySHA256.note(attribute)
        case STUNMessage.Fingerprint.type: evidence.fingerprint.note(attribute)
        default: break
        }
    }
}

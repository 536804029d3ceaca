import NetBase
import STUN

/// Why a request is not granted.
enum TURNRefusal: Error {
    case error(STUNMessage.ErrorCode)
    case unknownAttributes([UInt16])
    case redirect(TURNRedirect)
}

extension STUNMessage.ErrorCode {
    static let allocationMismatch = Self(code: 437, reason: "Allocation Mismatch")
    static let addressFamilyNotSupported = Self(code: 440, reason: "Address Family not Supported")
    static let wrongCredentials = Self(code: 441, reason: "Wrong Credentials")
    static let unsupportedTransport = Self(code: 442, reason: "Unsupported Transport Protocol")
    static let peerFamilyMismatch = Self(code: 443, reason: "Peer Address Family Mismatch")
    static let quotaReached = Self(code: 486, reason: "Allocation Quota Reached")
    static let insufficientCapacity = Self(code: 508, reason: "Insufficient Capacity")
}

/// What an Allocate request asks for, once its attributes have been found to go together (RFC 8656 §7.2, steps 3 to 9).
struct AllocateRequest {
    enum Address {
        /// The address that an earlier allocation set aside.
        case reserved(token: UInt64)
        /// One new address.
        case single(IPAddress.Family, EvenPort?)
        /// One new address of each family, if there are any.
        case dual(EvenPort?)
    }

    typealias EvenPort = STUNMessage.EvenPort

    let address: Address
    let lifetime: Duration?
    /// Whether peers connect, instead of sending datagrams (RFC 6062 §5.1).
    let speaksTCP: Bool

    init(
        _ request: STUNMessage, by client: TransportProtocol, _ settings: TURNServerSettings
    ) throws(TURNRefusal) {
        guard let transport = try request.checked(STUNMessage.RequestedTransport.self) else {
            throw .error(.badRequest)
        }
        // "17: UDP" (RFC 8656 §18.8), 6: TCP (RFC 6062 §4.1).
        guard transport.value == 17 || transport.value == 6 && settings.supportsTCPRelays else {
            throw .error(.unsupportedTransport)
        }
        speaksTCP = transport.value == 6
        if speaksTCP {
            let datagramWishes = [
                STUNMessage.DontFragment.type, STUNMessage.EvenPort.type, STUNMessage.ReservationToken.type,
            ]
            guard client.isReliable, !datagramWishes.contains(where: request.contains(type:)) else {
                throw .error(.badRequest)
            }
        }
        if !settings.supportsDontFragment, request.contains(type: STUNMessage.DontFragment.type) {
            throw .unknownAttributes([STUNMessage.DontFragment.type])
        }
        lifetime = try request.requestedLifetime()
        address = try Self.address(request)
    }

    private static func address(_ request: STUNMessage) throws(TURNRefusal) -> Address {
        let token = try request.checked(STUNMessage.ReservationToken.self)
        let evenPort = try request.checked(EvenPort.self)
        let namesFamily = request.contains(type: STUNMessage.RequestedAddressFamily.type)
        let namesAdditional = request.contains(type: STUNMessage.AdditionalAddressFamily.type)
        if let token {
            guard evenPort == nil, !namesFamily, !namesAdditional else { throw .error(.badRequest) }
            return .reserved(token: token.value)
        }
        guard !(namesFamily && namesAdditional) else { throw .error(.badRequest) }
        if namesAdditional {
            let additional = try request.checked(STUNMessage.AdditionalAddressFamily.self)
            guard additional?.family == .v6, evenPort?.reservesNextPort != true else { throw .error(.badRequest) }
            return .dual(evenPort)
        }
        let family = try request.requestedFamily(orElse: .addressFamilyNotSupported)
        return .single(family ?? .v4, evenPort)
    }
}

extension STUNMessage {
    /// An attribute that must be well-formed if it is there.
    func checked<Attribute: STUNAttribute>(_ attribute: Attribute.Type) throws(TURNRefusal) -> Attribute? {
        do throws(STUNError) {
            return try decode(attribute)
        } catch {
            throw .error(.badRequest)
        }
    }

    func requestedLifetime() throws(TURNRefusal) -> Duration? {
        try checked(Lifetime.self).map { .seconds(Int64($0.value)) }
    }

    /// The family in REQUESTED-ADDRESS-FAMILY; for a number that is no family's the refusal is the caller's.
    func requestedFamily(orElse error: ErrorCode) throws(TURNRefusal) -> IPAddress.Family? {
        guard let value = valueRange(ofType: RequestedAddressFamily.type) else { return nil }
        guard value.count == 4 else { throw .error(.badRequest) }
        guard let family = IPAddress.Family(rawValue: bytes[value.lowerBound]) else { throw .error(error) }
        return family
    }

    /// All XOR-PEER-ADDRESS attributes; none of them may be malformed (RFC 8656 §10.2).
    func peerAddresses() throws(TURNRefusal) -> [TransportAddress] {
        var result: [TransportAddress] = []
        for location in attributes where location.type == XORPeerAddress.type && location.isCovered {
            let value = bytes.span.extracting(location.value)
            guard let peer = try? XORPeerAddress(decoding: value, transactionID: transactionID) else {
                throw .error(.badRequest)
            }
            result.append(peer.address)
        }
        return result
    }
}

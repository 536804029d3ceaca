public import NetBase

/// A transport address at which an agent may be reached, with what ICE needs to know of it (RFC 8445 §5.1).
///
/// ```swift
/// let candidate = try Candidate("candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host")
/// print(candidate.kind, candidate.address)
/// ```
public struct Candidate: Hashable, Sendable {
    /// How a candidate was obtained.
    public enum Kind: String, Hashable, Sendable, CaseIterable, Encodable {
        /// An address of an interface of this machine.
        case host
        /// The address that a NAT showed to a STUN or TURN server.
        case serverReflexive = "srflx"
        /// The address that a NAT showed to the peer.
        case peerReflexive = "prflx"
        /// An address on a TURN server.
        case relayed = "relay"
    }

    /// What ties similar candidates together, so that one success thaws the others: 1 to 32 characters (RFC 8445 §5.1.1.3).
    public struct Foundation: Hashable, Sendable, CustomStringConvertible {
        /// The text as it stands in the candidate line.
        public let description: String

        /// A foundation; nil unless it is 1 to 32 letters, digits, `+`, `/`, `-` or `_`.
        public init?(_ text: String) {
            guard 1...32 ~= text.utf8.count, text.utf8.allSatisfy(\.isTolerableICECharacter) else { return nil }
            description = text
        }

        init(number: Int) { description = String(number) }
    }

    /// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
    public enum TCPType: String, Hashable, Sendable {
        /// This end opens the connection.
        case active
        /// This end waits for it.
        case passive
        /// Both open it at the same time.
        case simultaneousOpen = "so"

        /// RFC 6544 §4.5: of active candidates, "the port(s) MUST be set to 9 (i.e., Discard)".
        package static let activePort: UInt16 = 9
    }

    /// What the candidate's address is spoken to with.
    public enum Transport: Hashable, Sendable {
        /// Datagrams.
        case udp
        /// A TCP connection (RFC 6544).
        case tcp(TCPType)

        /// Whether it is TCP, in whatever direction.
        package var isTCP: Bool { self != .udp }

        /// Whether its port takes connections in.
        var listens: Bool {
            switch self {
            case .udp, .tcp(.active): false
            case .tcp(.passive), .tcp(.simultaneousOpen): true
            }
        }

        /// Whether a check can go from here to a candidate of the peer's (RFC 6544 §6.2). A passive one waits for the peer's checks, so that
        /// its pairs are pruned.
        func canCheck(_ remote: Transport) -> Bool {
            switch (self, remote) {
            case (.udp, .udp), (.tcp(.active), .tcp(.passive)), (.tcp(.simultaneousOpen), .tcp(.simultaneousOpen)): true
            default: false
            }
        }

        /// What the peer's end of a connection is that is this kind of candidate on this side.
        var counterpart: Transport {
            switch self {
            case .udp: .udp
            case .tcp(.active): .tcp(.passive)
            case .tcp(.passive): .tcp(.active)
            case .tcp(.simultaneousOpen): .tcp(.simultaneousOpen)
            }
        }
    }

    /// A name and value that a candidate line carries behind what RFC 8839 defines.
    public struct Attribute: Hashable, Sendable {
        /// Such as `generation` or `network-cost`.
        public let name: String
        /// The token behind it.
        public let value: String

        /// An extension attribute.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What it is made of. Copies of a candidate stand in lists, pairs and events, and hardly ever change: they share it.
    private var parts: Shared<Parts>

    private struct Parts: Hashable, Sendable {
        var foundation: Foundation
        var component: ComponentID
        var transport: Transport
        var kind: Kind
        var priority: UInt32
        var address: TransportAddress
        var relatedAddress: TransportAddress?
        var attributes: [Attribute]
        var hostName: String?
        var stream = StreamID(0)
        var alias: String?
    }

    /// Candidates with equal foundations are likely to work, or fail, together.
    public var foundation: Foundation {
        get { parts.value.foundation }
        set { parts.change { $0.foundation = newValue } }
    }

    /// The component it belongs to.
    public var component: ComponentID {
        get { parts.value.component }
        set { parts.change { $0.component = newValue } }
    }

    /// UDP, or TCP with its direction.
    public var transport: Transport {
        get { parts.value.transport }
        set { parts.change { $0.transport = newValue } }
    }

    /// 1 to 2³¹−1, higher is better (RFC 8445 §5.1.2).
    public var priority: UInt32 {
        get { parts.value.priority }
        set { parts.change { $0.priority = newValue } }
    }

    /// Where it is reached; 0.0.0.0 and the port where a ``hostName`` hides it.
    public var address: TransportAddress {
        get { parts.value.address }
        set { parts.change { $0.address = newValue } }
    }

    /// The name that stands in the place of the address: a random UUID below `.local`, which only the link that it is on can look up
    /// (draft-ietf-mmusic-mdns-ice-candidates). Nil where the address itself is told.
    public var hostName: String? {
        get { parts.value.hostName }
        set { parts.change { $0.hostName = newValue } }
    }

    /// How it was obtained.
    public var kind: Kind {
        get { parts.value.kind }
        set { parts.change { $0.kind = newValue } }
    }

    /// The base of a reflexive candidate, or the mapped address of a relayed one; nil for host candidates, and where hidden.
    public var relatedAddress: TransportAddress? {
        get { parts.value.relatedAddress }
        set { parts.change { $0.relatedAddress = newValue } }
    }

    /// What else the line carried, in its order.
    public var attributes: [Attribute] {
        get { parts.value.attributes }
        set { parts.change { $0.attributes = newValue } }
    }

    /// The stream it belongs to. Candidate lines do not say: signalling does, by `mid` or position.
    public var stream: StreamID {
        get { parts.value.stream }
        set { parts.change { $0.stream = newValue } }
    }

    /// What statistics and traces name a candidate by that only a check has shown, and whose address the peer may want hidden.
    package var alias: String? {
        get { parts.value.alias }
        set { parts.change { $0.alias = newValue } }
    }

    /// A candidate from its parts.
    public init(
        foundation: Foundation, component: ComponentID, transport: Transport = .udp, priority: UInt32,
        address: TransportAddress, kind: Kind, relatedAddress: TransportAddress? = nil, attributes: [Attribute] = []
    ) {
        let parts = Parts(
            foundation: foundation, component: component, transport: transport, kind: kind, priority: priority,
            address: address, relatedAddress: relatedAddress, attributes: attributes)
        self.parts = Shared(parts)
    }

    /// A candidate for a component that the session has.
    init(
        foundation: Foundation, path: StreamComponent, transport: Transport, priority: UInt32,
        address: TransportAddress, kind: Kind, relatedAddress: TransportAddress? = nil, attributes: [Attribute],
        hostName: String? = nil, alias: String? = nil
    ) {
        let parts = Parts(
            foundation: foundation, component: path.component, transport: transport, kind: kind, priority: priority,
            address: address, relatedAddress: relatedAddress, attributes: attributes, hostName: hostName,
            stream: path.stream, alias: alias)
        self.parts = Shared(parts)
    }

    /// The username fragment that names the candidate's generation, where the line carries one (RFC 8838 §9).
    public var usernameFragment: String? {
        attributes.first { $0.name == "ufrag" }?.value
    }

    /// What the candidate's network costs, 0 to 999, as browsers tell it in `network-cost`; 0 where nothing is told.
    public var networkCost: Int {
        let value = attributes.first { $0.name == "network-cost" }.flatMap { Int($0.value) } ?? 0
        return min(max(value, 0), 999)
    }
}

extension UInt8 {
    /// RFC 8839 §5.1: "ice-char = ALPHA / DIGIT / "+" / "/"".
    var isICECharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    /// What is accepted: implementations exist that also write `-` and `_`.
    var isTolerableICECharacter: Bool {
        isICECharacter || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
    }
}

extension Candidate {
    /// The component of the stream that the candidate belongs to.
    public var path: StreamComponent { StreamComponent(stream: stream, component: component) }
}

// MARK: - Hidden addresses

extension Candidate {
    /// The candidate as the application and the peer see it: without the address that a name stands for.
    package var shown: Candidate { hostName == nil ? self : hidden(atPort: address.port) }

    /// The candidate without its address.
    func hidden(atPort port: UInt16) -> Candidate {
        var candidate = self
        candidate.address = TransportAddress(.any(.v4), port: port)
        return candidate
    }

    /// What stands for the IP address in texts: the name, or else the address.
    package var host: String { hostName ?? address.ip.scoped(to: 0).description }

    /// The same with the port.
    package var place: String { hostName.map { "\($0):\(address.port)" } ?? address.description }
}

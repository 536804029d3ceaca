import NetBase

/// The cable between a host's interface, or a NAT's outer side, and the network it is attached to.
///
/// Each direction has its own ``LinkConditions``, which may change at any time. A cut link swallows everything without telling
/// anybody; for a fault that the host notices see ``SimulatedInterface/isUp``.
public final class SimulatedLink {
    /// The name of what it belongs to, such as `a` or `a/wlan0`.
    public let name: String

    /// How packets fare on the way out.
    public var outgoing: LinkConditions {
        get { outgoingLane.conditions }
        set { outgoingLane.conditions = newValue }
    }

    /// How packets fare on the way in.
    public var incoming: LinkConditions {
        get { incomingLane.conditions }
        set { incomingLane.conditions = newValue }
    }

    /// Whether the link silently swallows every packet, in both directions.
    public var isCut = false

    let segment: Segment
    weak var owner: (any LinkOwner)?
    private let fabric: Fabric
    private var outgoingLane: Lane
    private var incomingLane: Lane

    init(_ name: String, to segment: Segment, on fabric: Fabric) {
        self.name = name
        self.segment = segment
        self.fabric = fabric
        outgoingLane = Lane(seed: fabric.seed, stream: "link/\(name)/outgoing")
        incomingLane = Lane(seed: fabric.seed, stream: "link/\(name)/incoming")
    }

    /// Sets both directions at once.
    public func setConditions(_ conditions: LinkConditions) {
        outgoing = conditions
        incoming = conditions
    }

    /// When the outgoing direction has sent what waits for it.
    var busyUntil: Instant { outgoingLane.busyUntil }

    /// Carries a packet from the owner to the network.
    func send(_ packet: Packet) {
        carry(packet, outgoingLane.fate(of: packet, at: fabric.now)) { [weak self] packet in
            guard let self else { return }
            segment.route(packet, from: self)
        }
    }

    /// Carries a packet from the network to the owner.
    func deliver(_ packet: Packet) {
        carry(packet, incomingLane.fate(of: packet, at: fabric.now)) { [weak self] packet in
            guard let self else { return }
            owner?.receive(packet, on: self)
        }
    }

    private func carry(_ packet: Packet, _ fate: Lane.Fate, then arrive: @escaping (Packet) -> Void) {
        guard !isCut else { return fabric.record(.cut, packet, at: name) }
        switch fate {
        case .dropped(let reason):
            fabric.record(reason, packet, at: name)
        case .arrives(let arrival, let copy):
            fabric.scheduler.schedule(at: arrival) { arrive(packet) }
            guard let copy else { return }
            fabric.record(.duplicated, packet, at: name)
            fabric.scheduler.schedule(at: copy) { arrive(packet) }
        }
    }
}

/// Whoever takes the packets that come in over a link.
protocol LinkOwner: AnyObject {
    func receive(_ packet: Packet, on link: SimulatedLink)
}

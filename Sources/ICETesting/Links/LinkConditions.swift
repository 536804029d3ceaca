/// How well one direction of a link works; a perfect one by default.
///
/// ```swift
/// host.link.outgoing = LinkConditions(delay: .milliseconds(40), jitter: .milliseconds(5), loss: 0.1)
/// host.link.incoming.bandwidth = 1_000_000
/// ```
///
/// Changes hold for packets that enter the link afterwards. TCP rides on the same links: what would be lost or reordered arrives in
/// order, later.
public struct LinkConditions: Hashable, Sendable {
    /// How long every packet takes.
    public var delay: Duration

    /// How much longer a packet may take, evenly spread; packets do not overtake one another because of it.
    public var jitter: Duration

    /// The probability that a packet is lost, 0 to 1.
    public var loss: Double

    /// The probability that a packet arrives twice, 0 to 1.
    public var duplication: Double

    /// The probability that a packet is held back by ``reorderingDelay`` so that later ones overtake it, 0 to 1.
    public var reordering: Double

    /// How long a reordered packet is held back.
    public var reorderingDelay: Duration

    /// Bits per second, headers included; nil is unlimited.
    public var bandwidth: Int?

    /// How many bytes may wait for a link of limited ``bandwidth`` before datagrams are dropped.
    public var queueLimit: Int

    /// The largest IP packet in bytes that passes, larger datagrams vanish; nil is unlimited.
    public var mtu: Int?

    /// Conditions that differ from a perfect link in what is named.
    public init(
        delay: Duration = .zero, jitter: Duration = .zero, loss: Double = 0, duplication: Double = 0,
        reordering: Double = 0, reorderingDelay: Duration = .milliseconds(20), bandwidth: Int? = nil,
        queueLimit: Int = 65_536, mtu: Int? = nil
    ) {
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.duplication = duplication
        self.reordering = reordering
        self.reorderingDelay = reorderingDelay
        self.bandwidth = bandwidth
        self.queueLimit = queueLimit
        self.mtu = mtu
    }
}

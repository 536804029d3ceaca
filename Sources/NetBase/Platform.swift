/// What a client needs of the world it runs in: a clock, an alarm, sockets, names, interfaces and randomness.
///
/// The libuv loop is one platform, each host of the simulated network another, so that the same public clients run on both. Every
/// method is called on the platform's own thread and every closure is called there, never inside the call that was handed it.
package protocol Platform: AnyObject {
    /// The time now. It does not move while one event is being handled.
    var now: Instant { get }

    /// Runs the work on a later turn of the loop, in the order of the calls.
    func enqueue(_ work: @escaping () -> Void)

    /// An alarm that is not set yet.
    func makeAlarm(_ onFire: @escaping () -> Void) -> any Alarm

    /// Binds a UDP socket; port 0 takes a free port.
    func bindDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket

    /// Binds a UDP socket to an address that other sockets, which ask for it in the same way, are bound to as well; the system spreads
    /// what arrives over them.
    func bindCommonDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket

    /// Binds a UDP socket to the port of a multicast group, shared with others that ask for the same, and joins the group on every interface
    /// that is up and knows of multicast.
    func bindMulticastSocket(to group: TransportAddress) throws(NetworkError) -> any MulticastSocket

    /// What all clients on the platform share; held weakly, so that it goes with the last of them.
    var sharedResponder: AnyObject? { get set }

    /// Starts to connect a TCP stream, from a local address if one is given (port 0 takes a free port); ``ByteStream/onConnect`` or
    /// ``ByteStream/onClose`` tells how that went.
    ///
    /// `sharesPort` lets it start from a port that a listener, which shares it as well, is bound to.
    func connectStream(
        to address: TransportAddress, from local: TransportAddress?, sharesPort: Bool
    ) throws(NetworkError) -> any ByteStream

    /// Accepts TCP connections to an address; port 0 takes a free port. `sharesPort` lets connections start from the same port.
    func listenForStreams(on address: TransportAddress, sharesPort: Bool) throws(NetworkError) -> any StreamListener

    /// Accepts TCP connections to an address together with others that ask for it in the same way; the system spreads them.
    func listenForCommonStreams(on address: TransportAddress) throws(NetworkError) -> any StreamListener

    /// Looks up a host name's addresses. An answer comes once, unless the look-up was cancelled.
    func resolve(
        _ host: String, onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) throws(NetworkError) -> any Cancellable

    /// The addresses of all interfaces that are up.
    func interfaceAddresses() throws(NetworkError) -> [InterfaceAddress]

    /// The address that packets to a destination leave from, by the routes there are; nothing is sent.
    func sourceAddress(towards destination: IPAddress) throws(NetworkError) -> IPAddress

    /// Calls back, on a later turn, when ``interfaceAddresses()`` or the routes may have changed, until it is cancelled.
    func watchInterfaces(_ onChange: @escaping () -> Void) throws(NetworkError) -> any Cancellable

    /// A generator fit for credentials; the simulated network's is seeded.
    func makeRandomNumberGenerator() -> any RandomNumberGenerator

    /// What spaces the STUN transactions of all clients of the process (RFC 8445 §14.2).
    var pacingGovernor: any PacingGovernor { get }
}

extension Platform {
    /// A platform with one loop alone has nobody to share with.
    package func bindCommonDatagramSocket(
        to address: TransportAddress
    ) throws(NetworkError) -> any DatagramSocket {
        try bindDatagramSocket(to: address)
    }

    /// A platform with one loop alone has nobody to share with.
    package func listenForCommonStreams(on address: TransportAddress) throws(NetworkError) -> any StreamListener {
        try listenForStreams(on: address, sharesPort: false)
    }

    /// Starts to connect a TCP stream from where the system chooses.
    package func connectStream(to address: TransportAddress) throws(NetworkError) -> any ByteStream {
        try connectStream(to: address, from: nil, sharesPort: false)
    }
}

/// A timer that fires once, at the latest instant it was set for.
package protocol Alarm: AnyObject {
    /// Fires at an instant, or as soon as the loop turns if that has passed; replaces an earlier setting.
    func set(for instant: Instant)

    /// Takes the setting back; it may be set again.
    func cancel()

    /// Frees the timer; it never fires again.
    func close()
}

/// A UDP socket that takes part in a multicast group of the local links; what it sends has a TTL of 255.
package protocol MulticastSocket: AnyObject {
    /// The family of the group.
    var family: IPAddress.Family { get }

    /// A datagram arrived, to the group or to the socket alone; the bytes are borrowed for the call.
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)? { get set }

    /// Joins the group on interfaces that have come.
    func refreshInterfaces()

    /// Sends one datagram to the group on every interface; what an interface does not take is lost.
    func sendToGroup(_ bytes: Span<UInt8>)

    /// Sends one datagram to one address; what the system does not take is lost.
    func send(_ bytes: Span<UInt8>, to destination: TransportAddress)

    /// Closes the socket and drops its closures.
    func close()
}

/// Work that can be given up.
package protocol Cancellable: AnyObject {
    /// Gives the work up; its result will not be delivered.
    func cancel()
}

/// Spaces new STUN and TURN transactions over everything in the process (RFC 8445 §14.2: one in 5 ms at most).
package protocol PacingGovernor: AnyObject {
    /// Takes the slot at an instant, or else the next one, whose instant is returned: it is the caller's from then on, so that who asks
    /// first comes first.
    func claim(at now: Instant, spacing: Duration) -> Instant?
}

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

    /// Starts to connect a TCP stream; ``ByteStream/onConnect`` or ``ByteStream/onClose`` tells how that went.
    func connectStream(to address: TransportAddress) throws(NetworkError) -> any ByteStream

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

/// A bound UDP socket.
package protocol DatagramSocket: AnyObject {
    /// The address it is bound to, with the port that was chosen.
    var localAddress: TransportAddress { get }

    /// A datagram arrived; the bytes are borrowed for the call.
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)? { get set }

    /// An ICMP error came back for something that was sent to a destination (RFC 8445 §7.2.5.2.2), where the system tells.
    var onUnreachable: ((TransportAddress, NetworkError) -> Void)? { get set }

    /// Hands one datagram to the system, or throws ``NetworkError/Code/wouldBlock`` when it takes no more right now.
    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError)

    /// Hands datagrams to one destination to the system, in their order; how many it took. Throws what ``send(_:to:)`` throws, where it did
    /// not take the first.
    func send(contentsOf datagrams: [[UInt8]], to destination: TransportAddress) throws(NetworkError) -> Int

    /// Hands datagrams of one size, but for a shorter last one, that lie one behind the other to the system; how many it took. Throws what
    /// ``send(_:to:)`` throws, where it did not take the first.
    func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int

    /// There is room again behind a datagram that was refused with ``NetworkError/Code/wouldBlock``.
    var onWritable: (() -> Void)? { get set }

    /// Hands what arrives to the closure as it comes, several datagrams at a time, and no more to ``onDatagram``.
    func receiveBatches(_ body: @escaping (DatagramBatch, TransportAddress) -> Void)

    /// Sets the byte with DSCP and ECN of what is sent, where the platform knows of such.
    func setTypeOfService(_ value: UInt8) throws(NetworkError)

    /// Takes a remote address for this socket's owner alone; false where another owner of the same address of this machine has it.
    func claim(_ address: TransportAddress, as use: RemoteUse) -> Bool

    /// Gives a claimed address back; ``RemoteUse/peer`` only the claim to carry data there.
    func release(_ address: TransportAddress, as use: RemoteUse)

    /// Makes batches tell the byte with DSCP and ECN that they arrived with, where the platform knows of such.
    func reportTrafficClass() throws(NetworkError)

    /// Asks for buffers of at least these sizes, in bytes; nil leaves one as it is. The system may bound them without an error.
    func growBuffers(receive: Int?, send: Int?) throws(NetworkError)

    /// Closes the socket and drops its closures.
    func close()
}

/// What the owner of a socket has at a remote address.
package enum RemoteUse: Hashable, Sendable {
    /// A check from there was authentic, though its source may be forged by somebody who knows the password.
    case checkedPeer
    /// Data goes there.
    case peer
    /// A TURN server, with the one allocation that it has for the five-tuple; it may be asked for mapped addresses by others too.
    case relayServer
}

extension DatagramSocket {
    /// Nobody else sends from a socket of one's own.
    package func claim(_ address: TransportAddress, as use: RemoteUse) -> Bool { true }

    /// Does nothing.
    package func release(_ address: TransportAddress, as use: RemoteUse) {}

    /// Does nothing.
    package func setTypeOfService(_ value: UInt8) throws(NetworkError) {}
    /// Does nothing.
    package func reportTrafficClass() throws(NetworkError) {}
    /// Does nothing.
    package func growBuffers(receive: Int?, send: Int?) throws(NetworkError) {}

    /// Makes a batch of each datagram.
    package func receiveBatches(_ body: @escaping (DatagramBatch, TransportAddress) -> Void) {
        onDatagram = { bytes, source in body(DatagramBatch(only: bytes), source) }
    }

    /// Sends one after the other.
    package func send(
        contentsOf datagrams: [[UInt8]], to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        var taken = 0
        do throws(NetworkError) {
            for datagram in datagrams {
                try send(datagram.span, to: destination)
                taken += 1
            }
        } catch {
            if taken == 0 { throw error }
        }
        return taken
    }

    /// Sends one after the other.
    package func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        guard !bytes.isEmpty else { return 0 }
        let batch = DatagramBatch(bytes, datagramSize: size)
        var taken = 0
        do throws(NetworkError) {
            while taken < batch.count {
                try send(batch[taken], to: destination)
                taken += 1
            }
        } catch {
            if taken == 0 { throw error }
        }
        return taken
    }
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

/// A TCP connection.
package protocol ByteStream: AnyObject {
    /// The local end, once connected.
    var localAddress: TransportAddress? { get }

    /// The connection is up.
    var onConnect: (() -> Void)? { get set }

    /// Bytes arrived, split anywhere; borrowed for the call.
    var onBytes: ((Span<UInt8>) -> Void)? { get set }

    /// The connection could not be made, broke, or was ended by the peer (``NetworkError/Code/endOfStream``).
    var onClose: ((NetworkError) -> Void)? { get set }

    /// Bytes that were written and that the system has not taken yet.
    var unsentByteCount: Int { get }

    /// All that waited has been taken.
    var onWritable: (() -> Void)? { get set }

    /// Queues bytes behind those written before.
    func write(_ bytes: [UInt8]) throws(NetworkError)

    /// Closes the connection and drops its closures.
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

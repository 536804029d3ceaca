import NetBase

/// Where the connections of a ``TCPCandidateSocket`` come from: ``HostConnections`` of this machine, or ``RelayedConnections``.
protocol ConnectionSource: AnyObject {
    /// The base's address; of an active one with port 9: RFC 6544 §4.5, "the port(s) MUST be set to 9 (i.e., Discard)".
    var localAddress: TransportAddress { get }

    /// Whether it takes connections on a port of this machine that it has to itself.
    var isListening: Bool { get }

    /// Somebody has connected, and whether the stream is up already: else its `onConnect` is still to come.
    var onConnection: ((any ByteStream, _ isUp: Bool) -> Void)? { get set }

    /// Starts to connect; the stream tells how that went.
    ///
    /// Nil where the other end's connection is here already and waits to be accepted: the system makes no second one of the same addresses.
    func connect(to destination: TransportAddress) throws(NetworkError) -> (any ByteStream)?

    /// Takes no more connections and drops the closure; those that there are stay.
    func close()
}

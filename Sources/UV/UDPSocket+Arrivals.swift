import CDatagram
public import NetBase

// What is known of a datagram besides its bytes and its sender, and answers that leave from where it was sent to.
extension UDPSocket {
    /// What the system tells about arrivals, besides who sent them.
    struct ArrivalFacts: OptionSet {
        let rawValue: Int32

        static let localAddress = ArrivalFacts(rawValue: Int32(datagram_tells_destination))
        static let trafficClass = ArrivalFacts(rawValue: Int32(datagram_tells_traffic_class))
    }

    /// Makes ``onDatagrams`` tell ``DatagramBatch/localAddress``: on a socket that is bound to 0.0.0.0 or ::, the address that was hit, which
    /// an answer is to leave from, see ``send(_:to:from:)``.
    ///
    /// It holds for what arrives from now on, and costs what a further field costs. IPv4 on the BSDs does not have it.
    public func reportLocalAddress() throws(NetworkError) { try report(.localAddress) }

    /// Makes ``onDatagrams`` tell ``DatagramBatch/trafficClass``, which has the marks of ECN; it holds for what arrives from now on.
    public func reportTrafficClass() throws(NetworkError) { try report(.trafficClass) }

    private func report(_ fact: ArrivalFacts) throws(NetworkError) {
        let operation = "receive on \(localAddress)"
        let descriptor = try openDescriptor(operation)
        try check(datagram_prepare(descriptor, localAddress.family == .v6, fact.rawValue), operation)
        facts.insert(fact)
    }

    /// Sends one datagram from one of this machine's addresses, whatever the socket is bound to.
    ///
    /// It is ``send(_:to:)`` otherwise. An address that the machine does not have, or not any more, is refused. Where the system knows of no
    /// such thing, it chooses the address.
    public func send(
        _ bytes: Span<UInt8>, to destination: TransportAddress, from local: IPAddress
    ) throws(NetworkError) {
        try send(bytes, to: destination, from: Optional(local))
    }
}

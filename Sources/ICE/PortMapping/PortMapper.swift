public import NetBase

/// What maps ports of this machine on the NAT in front of it, so that they can be reached from outside.
///
/// ``ICEClient/portMapper`` asks it for each of the client's own sockets. The `NATPMPClient` of the ICEPortMapping product is one; an
/// application that has another way to its router conforms a type of its own to this. All calls are made on the loop's thread, and
/// all answers belong there.
public protocol PortMapper: AnyObject {
    /// Asks for a mapping of a UDP port, and keeps it until it is closed. A port that is asked for several times has one mapping.
    ///
    /// - Parameters:
    ///   - local: The address that the socket is bound to.
    ///   - onChange: Called when there is a mapping, with the address outside; again whenever that changes; and with an error
    ///     where there is none, or none any more. A success may follow an error. It is never called inside this call, nor after
    ///     ``PortMapping/close()``.
    /// - Returns: Nil where such an address is never mapped; nobody waits for an answer then.
    func mapPort(
        of local: TransportAddress, onChange: @escaping (Result<TransportAddress, PortMappingError>) -> Void
    ) -> (any PortMapping)?
}

/// One request for a mapped port, from ``PortMapper/mapPort(of:onChange:)``.
public protocol PortMapping: AnyObject {
    /// Ends it; the mapping goes once nobody wants it any more. Closing again does nothing.
    func close()
}

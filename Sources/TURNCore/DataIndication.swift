package import NetBase
package import STUN

/// What the server tells of a peer: its data, or an ICMP error that came back (RFC 8656 §11.4, §11.6).
///
/// The client drops one whose peer has no permission: ask the ``PermissionTable``.
package struct DataIndication: Hashable, Sendable {
    /// What came.
    package enum Content: Hashable, Sendable {
        /// Data, and where in the message's bytes it lies; empty data is delivered too.
        case data(Range<Int>)
        /// Something that was sent to the peer did not get there.
        case icmp(PeerError)
    }

    /// The peer; for ICMP errors the port is 0 where the server does not know it (RFC 8656 §11.5).
    package let peer: TransportAddress

    /// Data or an error.
    package let content: Content

    /// Reads a message; nil, which means to drop it, where it is something else, lacks the peer, or has neither data nor ICMP.
    package init?(_ message: STUNMessage) {
        guard message.messageClass == .indication, message.method == .data,
            message.unknownRequiredAttributes(known: .turn).isEmpty,
            let peer = message[STUNMessage.XORPeerAddress.self]?.address
        else { return nil }
        self.peer = peer
        if let icmp = message[STUNMessage.ICMP.self] {
            content = .icmp(PeerError(icmp, family: peer.family))
        } else if let payload = message.valueRange(ofType: STUNMessage.Data.type) {
            content = .data(payload)
        } else {
            return nil
        }
    }

    /// A message that carries a peer's data; nil where the data is too long for a STUN message.
    package static func encode(
        _ data: Span<UInt8>, from peer: TransportAddress, transactionID: STUNTransactionID
    ) -> STUNMessage? {
        var message = STUNMessage(.indication, .data, transactionID: transactionID)
        message.append(STUNMessage.XORPeerAddress(peer))
        return message.append(STUNMessage.Data([UInt8](copying: data))) ? message : nil
    }

    /// A message that tells of an ICMP error on the way to a peer.
    package static func encode(
        _ icmp: STUNMessage.ICMP, from peer: TransportAddress, transactionID: STUNTransactionID
    ) -> STUNMessage {
        var message = STUNMessage(.indication, .data, transactionID: transactionID)
        message.append(STUNMessage.XORPeerAddress(peer))
        message.append(icmp)
        return message
    }
}

/// Why the server could not pass something on to a peer (RFC 8656 §18.13).
package struct PeerError: Error, Hashable, Sendable {
    /// The ICMP type, to be read with the peer's address family in mind.
    package let icmpType: UInt8

    /// The ICMP code.
    package let icmpCode: UInt8

    /// The largest packet that the next hop takes, in bytes, where that was the fault: ICMPv4 type 3 code 4, ICMPv6 type 2.
    package let maximumTransmissionUnit: Int?

    /// Reads the attribute for a peer of a family.
    package init(_ icmp: STUNMessage.ICMP, family: IPAddress.Family) {
        icmpType = icmp.icmpType
        icmpCode = icmp.icmpCode
        let isTooBig =
            switch family {
            case .v4: icmp.icmpType == 3 && icmp.icmpCode == 4
            case .v6: icmp.icmpType == 2
            }
        maximumTransmissionUnit = isTooBig ? Int(icmp.errorData) : nil
    }
}

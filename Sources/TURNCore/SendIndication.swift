package import NetBase
package import STUN

/// Data from the client to a peer, for which the server needs a permission (RFC 8656 §11.1).
package struct SendIndication: Hashable, Sendable {
    /// The peer that the data goes to.
    package let peer: TransportAddress

    /// Where in the message's bytes the data lies; empty data is valid.
    package let payload: Range<Int>

    /// Whether the server is asked to set the DF bit towards the peer.
    package let isDontFragment: Bool

    /// Reads a message; nil, which means to drop it, where it is something else or lacks the peer or the data (RFC 8656 §11.2).
    package init?(_ message: STUNMessage) {
        guard message.messageClass == .indication, message.method == .send,
            message.unknownRequiredAttributes(known: .turn).isEmpty,
            let peer = message[STUNMessage.XORPeerAddress.self],
            let payload = message.valueRange(ofType: STUNMessage.Data.type)
        else { return nil }
        self.peer = peer.address
        self.payload = payload
        isDontFragment = message.contains(type: STUNMessage.DontFragment.type)
    }

    /// Header, IPv6 peer, DONT-FRAGMENT, the head of DATA and its padding: what is around the data at the most.
    private static let maximumOverhead = 20 + 24 + 4 + 4 + 3

    /// A message that carries data to a peer; nil where the data is too long for a STUN message.
    package static func encode(
        _ data: Span<UInt8>, to peer: TransportAddress, isDontFragment: Bool = false,
        transactionID: STUNTransactionID
    ) -> STUNMessage? {
        var message = STUNMessage(
            .indication, .send, transactionID: transactionID, reserving: maximumOverhead + data.count)
        message.append(STUNMessage.XORPeerAddress(peer))
        if isDontFragment { message.append(STUNMessage.DontFragment()) }
        return message.append(type: STUNMessage.Data.type, copying: data) ? message : nil
    }
}

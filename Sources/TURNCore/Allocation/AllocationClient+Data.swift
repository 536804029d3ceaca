package import NetBase
package import STUN

// Application data: nothing here makes an effect, and what comes in stays where it lies.

extension AllocationClient {
    /// Puts what to send to the server, so that a peer gets the payload, in the place of what a buffer held: ChannelData where a channel
    /// is bound, else a Send indication.
    ///
    /// False, which means to drop it, without an allocation or a permission that is there or at least on its way, and where the payload
    /// is too long (65535 bytes less what goes around it).
    package mutating func frame(
        _ payload: Span<UInt8>, to peer: TransportAddress, over bytes: inout [UInt8], at now: Instant
    ) -> Bool {
        guard lifecycle.isAllocated, options.relayTransport == .udp else { return false }
        if let channel = channels.channel(to: peer, at: now) {
            return ChannelData.write(payload, on: channel, forStream: isReliable, over: &bytes)
        }
        guard isLetIn(peer.ip, at: now),
            let message = SendIndication.encode(
                payload, to: peer, isDontFragment: usesDontFragment,
                transactionID: STUNTransactionID(using: &generator))
        else { return false }
        bytes = message.bytes
        return true
    }

    /// The peer and the place of its data in a datagram that starts like ChannelData; nil, which means to drop it, where no such channel
    /// is bound (RFC 8656 §12.6).
    package func payload(
        ofChannelData datagram: Span<UInt8>, at now: Instant
    ) -> (peer: TransportAddress, range: Range<Int>)? {
        guard let data = ChannelData(datagram: datagram), let peer = peer(on: data.channel, at: now) else { return nil }
        return (peer, data.payload)
    }

    /// The peer whose data a ``TURNStreamDecoder`` cut out, or nil, which means to drop it.
    package func peer(on channel: ChannelNumber, at now: Instant) -> TransportAddress? {
        lifecycle.isAllocated ? channels.peer(on: channel, at: now) : nil
    }

    /// The peer and the place of its data in the bytes of a Data indication; nil where the message is something else, and
    /// where the peer has no permission (RFC 8656 §11.4).
    package func payload(
        of message: STUNMessage, at now: Instant
    ) -> (peer: TransportAddress, range: Range<Int>)? {
        guard lifecycle.isAllocated, options.relayTransport == .udp, let indication = DataIndication(message),
            isLetIn(indication.peer.ip, at: now), case .data(let range) = indication.content
        else { return nil }
        return (indication.peer, range)
    }

    /// A peer that was only asked for counts: data may overtake the answer.
    func isLetIn(_ ip: IPAddress, at now: Instant) -> Bool {
        let peer = ip.scoped(to: 0)
        return permissions.allows(peer, at: now) || isRequested { $0.permits(peer) }
    }

    mutating func receiveIndication(_ message: STUNMessage, at now: Instant) {
        if message.method == .connectionAttempt { return receiveAttempt(message, at: now) }
        guard lifecycle.isAllocated, let indication = DataIndication(message), isLetIn(indication.peer.ip, at: now),
            case .icmp(let error) = indication.content
        else { return }
        tell(.peerError(indication.peer, error))
    }
}

package import NetBase
import STUN
package import TURNCore

// MARK: - From clients to peers

extension TURNServerCore {
    /// A Send indication came; it is never answered (RFC 8656 §11.2).
    mutating func relay(_ message: STUNMessage, of tuple: TURNFiveTuple, at now: Instant) {
        guard let indication = SendIndication(message),
            settings.supportsDontFragment || !indication.isDontFragment
        else { return noteDrop(.malformed) }
        guard let relay = allocations[tuple]?.relay(indication.peer.family) else { return noteDrop(.noAllocation) }
        guard allocations[tuple]?.allows(indication.peer.ip, at: now) == true else { return noteDrop(.noPermission) }
        guard !settings.deniedPeers.contains(indication.peer.ip) else { return noteDrop(.deniedPeer) }
        count(\.sendIndications)
        emit(.relay(Array(message.bytes[indication.payload]), from: relay.address, to: indication.peer))
    }

    /// Data came on a channel (RFC 8656 §12.6).
    package mutating func receive(
        _ payload: Span<UInt8>, onChannel channel: ChannelNumber, of tuple: TURNFiveTuple, at now: Instant
    ) {
        advance(to: now)
        guard let allocation = allocations[tuple] else { return noteDrop(.noAllocation) }
        guard let peer = allocation.peer(on: channel, at: now) else { return noteDrop(.noChannel) }
        guard let relay = allocation.relay(peer.family) else { return noteDrop(.noAllocation) }
        guard !settings.deniedPeers.contains(peer.ip) else { return noteDrop(.deniedPeer) }
        count(\.channelDataFromClients)
        emit(.relay([UInt8](copying: payload), from: relay.address, to: peer))
    }
}

// MARK: - From peers to clients

extension TURNServerCore {
    /// A datagram came to a relayed address (RFC 8656 §11.3, §12.7).
    package mutating func receive(
        _ payload: Span<UInt8>, from peer: TransportAddress, onRelay address: TransportAddress, at now: Instant
    ) {
        advance(to: now)
        let peer = peer.unscoped
        guard let tuple = owners[address], let allocation = allocations[tuple] else { return noteDrop(.noAllocation) }
        guard allocation.allows(peer.ip, at: now) else { return noteDrop(.noPermission) }
        if let channel = allocation.channel(to: peer, at: now) {
            let framed =
                tuple.transport.isReliable
                ? ChannelData.encodeStream(payload, on: channel) : ChannelData.encodeDatagram(payload, on: channel)
            guard let framed else { return noteDrop(.unsendable) }
            count(\.channelDataToClients)
            return emit(.deliver(framed, to: tuple))
        }
        let id = STUNTransactionID(using: &generator)
        guard let message = DataIndication.encode(payload, from: peer, transactionID: id) else {
            return noteDrop(.unsendable)
        }
        count(\.dataIndications)
        emit(.deliver(message.bytes, to: tuple))
    }

    /// An ICMP error came back for what was sent to a peer; other kinds than "unreachable" are not told to the client
    /// (RFC 8656 §11.5).
    package mutating func receive(
        _ error: NetworkError.Code, about peer: TransportAddress, onRelay address: TransportAddress, at now: Instant
    ) {
        advance(to: now)
        let peer = peer.unscoped
        guard let icmp = STUNMessage.ICMP(error, peer.family), let tuple = owners[address],
            allocations[tuple]?.allows(peer.ip, at: now) == true
        else { return }
        let message = DataIndication.encode(icmp, from: peer, transactionID: STUNTransactionID(using: &generator))
        count(\.icmpIndications)
        emit(.deliver(message.bytes, to: tuple))
    }
}

extension STUNMessage.ICMP {
    /// "Destination unreachable" is type 3 of ICMPv4 and type 1 of ICMPv6 (RFC 792, RFC 4443 §3.1).
    fileprivate init?(_ error: NetworkError.Code, _ family: IPAddress.Family) {
        let code: (v4: UInt8, v6: UInt8)
        switch error {
        case .networkUnreachable: code = (0, 0)
        case .hostUnreachable: code = (1, 3)
        case .connectionRefused: code = (3, 4)
        case .notPermitted: code = (13, 1)
        default: return nil
        }
        switch family {
        case .v4: self.init(icmpType: 3, icmpCode: code.v4)
        case .v6: self.init(icmpType: 1, icmpCode: code.v6)
        }
    }
}

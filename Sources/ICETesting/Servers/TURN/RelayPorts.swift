import NetBase
import STUN

/// The relayed addresses that are given out or set aside, and the choice of new ones.
struct RelayPorts {
    /// An address that waits for the allocation that brings its token.
    struct Reservation {
        let token: UInt64
        let address: TransportAddress
        let expiry: Instant
    }

    /// The addresses that relays may have, without ports.
    var ips: [IPAddress]
    /// The ports that other sockets of the host are bound to.
    var occupied: Set<UInt16> = []
    private(set) var reservations: [Reservation] = []
    private var taken: Set<TransportAddress> = []

    init(_ ips: [IPAddress]) {
        self.ips = ips
    }

    /// The IP address to relay from: the one that the client came to, or the first of the family.
    func ip(_ family: IPAddress.Family, near server: IPAddress) -> IPAddress? {
        ips.contains(server) && server.family == family ? server : ips.first { $0.family == family }
    }

    /// Takes a free port of an address, from a random one upwards (RFC 6056 §3.3.1); nil if none fits.
    mutating func take(
        on ip: IPAddress, in range: ClosedRange<UInt16>, _ evenPort: STUNMessage.EvenPort?,
        using generator: inout some RandomNumberGenerator
    ) -> TransportAddress? {
        let offset = Int.random(in: 0..<range.count, using: &generator)
        for index in 0..<range.count {
            let port = range.lowerBound + UInt16((offset + index) % range.count)
            guard isFree(ip, port) else { continue }
            if let evenPort {
                guard port % 2 == 0 else { continue }
                if evenPort.reservesNextPort, port == range.upperBound || !isFree(ip, port + 1) { continue }
            }
            let address = TransportAddress(ip, port: port)
            taken.insert(address)
            return address
        }
        return nil
    }

    private func isFree(_ ip: IPAddress, _ port: UInt16) -> Bool {
        !occupied.contains(port) && !taken.contains(TransportAddress(ip, port: port))
    }

    /// Gives an address back.
    mutating func release(_ address: TransportAddress) { taken.remove(address) }

    /// Sets the port behind a taken one aside.
    mutating func reserve(behind address: TransportAddress, token: UInt64, until expiry: Instant) -> TransportAddress {
        let next = TransportAddress(address.ip, port: address.port + 1)
        taken.insert(next)
        reservations.append(Reservation(token: token, address: next, expiry: expiry))
        return next
    }

    /// The address that a token stands for; the token is of no use afterwards.
    mutating func redeem(_ token: UInt64) -> TransportAddress? {
        guard let index = reservations.firstIndex(where: { $0.token == token }) else { return nil }
        return reservations.remove(at: index).address
    }

    /// Gives back the addresses whose tokens were not used in time, and tells which.
    mutating func expireReservations(at now: Instant) -> [TransportAddress] {
        let gone = reservations.filter { $0.expiry <= now }.map(\.address)
        reservations.removeAll { $0.expiry <= now }
        for address in gone { release(address) }
        return gone
    }
}

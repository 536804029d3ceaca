import NetBase
import UV

/// Hears what gateways tell all hosts of a link when their address changes or their mappings are lost (RFC 6886 §3.2.1).
final class Announcements {
    private let socket: UDPSocket

    /// "Unsolicited announcements are sent to 224.0.0.1:5350": a group that every host is a member of.
    static let port: UInt16 = 5350

    /// Listens, beside all others on this machine that do.
    init(on loop: EventLoop, _ onAnnouncement: @escaping (GatewayResponse, _ source: IPAddress) -> Void)
        throws(NetworkError)
    {
        socket = try UDPSocket(
            on: loop, boundTo: TransportAddress(.any(.v4), port: Self.port), options: .reuseAddress)
        socket.onDatagram = { bytes, source in
            if let response = GatewayResponse(announcement: bytes) { onAnnouncement(response, source.ip) }
        }
    }

    deinit { close() }

    func close() { socket.close() }
}

extension GatewayResponse {
    /// Reads the answer to a request for the address, which is what an announcement looks like: nil for anything else.
    ///
    /// ```
    ///  0                   1                   2                   3
    ///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    /// +---------------+---------------+-------------------------------+
    /// | version (0)   | op (128)      | result (0)                    |
    /// +---------------+---------------+-------------------------------+
    /// | seconds since the start of the epoch                          |
    /// +---------------------------------------------------------------+
    /// | external IPv4 address                                         |
    /// +---------------------------------------------------------------+
    /// ```
    init?(announcement bytes: Span<UInt8>) {
        func number(at offset: Int) -> UInt32 {
            (offset..<offset + 4).reduce(0) { $0 << 8 | UInt32(bytes[$1]) }
        }
        guard bytes.count >= 12, number(at: 0) == 128 << 16 else { return nil }
        epoch = number(at: 4)
        content = .externalAddress(IPAddress(v4: number(at: 8)))
    }
}

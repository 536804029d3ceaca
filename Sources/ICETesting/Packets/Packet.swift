import NetBase

/// What travels over the simulated links.
struct Packet {
    /// The sender as it appears at this place of the path; NATs rewrite it.
    var source: TransportAddress
    /// The receiver as it appears at this place of the path; NATs rewrite it.
    var destination: TransportAddress
    var content: Content

    enum Content {
        case datagram([UInt8])
        case segment(StreamSegment)
        case unreachable(UnreachableReport)
    }

    var transport: PacketTransport {
        switch content {
        case .datagram: .udp
        case .segment: .tcp
        case .unreachable: .icmp
        }
    }

    /// The bytes that the packet carries for an application.
    var payload: [UInt8] {
        switch content {
        case .datagram(let bytes): bytes
        case .segment(let segment): segment.payload
        case .unreachable: []
        }
    }

    /// The size of the whole IP packet in bytes, headers without options.
    var size: Int {
        let header = source.family == .v4 ? 20 : 40
        switch content {
        case .datagram(let bytes): return header + 8 + bytes.count
        case .segment(let segment): return header + 20 + segment.payload.count
        case .unreachable: return header + 8 + header + 8
        }
    }
}

/// An ICMP "destination unreachable" message: which packet it is about, as that packet looked where it failed.
struct UnreachableReport {
    var transport: PacketTransport
    var source: TransportAddress
    var destination: TransportAddress
    let code: NetworkError.Code
}

/// One piece of a simulated TCP connection; pieces that carry something are numbered per direction, and so are those with a window.
struct StreamSegment {
    let kind: Kind
    let number: Int

    enum Kind {
        case open
        case accept
        case data([UInt8])
        case finish
        case reset
        /// The receiver has room again, or none any more.
        case window(isOpen: Bool)
    }

    var payload: [UInt8] {
        if case .data(let bytes) = kind { bytes } else { [] }
    }
}

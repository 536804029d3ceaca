import NetBase
import UV

/// A router that speaks NAT-PMP as RFC 6886 has it, on a loop.
final class Gateway {
    static let ip = IPAddress.loopback(.v4)
    private let socket: UDPSocket
    private let loop: EventLoop
    private var begin: Instant
    /// What it has mapped: the port outside, by the port inside.
    private(set) var mappings: [UInt16: UInt16] = [:]
    /// What was asked, in words.
    private(set) var requests: [String] = []
    var external = IPAddress(v4: 0xcb00_7101)
    var granted: UInt32 = 7200
    /// How many requests it does not answer.
    var deafness = 0
    /// The result code of all its answers (§3.5).
    var result: UInt8 = 0
    var version: UInt8 = 0

    init(on loop: EventLoop) throws(NetworkError) {
        self.loop = loop
        begin = loop.now
        socket = try UDPSocket(on: loop, boundTo: TransportAddress(Self.ip, port: 5351))
        socket.onDatagram = { [weak self] bytes, source in self?.receive([UInt8](copying: bytes), from: source) }
    }

    func close() { socket.close() }

    /// Forgets everything, and tells all hosts (§3.2.1); here that is one.
    func restart() {
        begin = loop.now
        mappings = [:]
        let announcement = header(128) + external.bytes
        try? socket.send(announcement.span, to: TransportAddress(Self.ip, port: 5350))
    }

    private func header(_ operation: UInt8) -> [UInt8] {
        let epoch = UInt32((loop.now - begin).components.seconds)
        return [version, operation, 0, result] + Self.bytes(epoch)
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }

    private func receive(_ bytes: [UInt8], from source: TransportAddress) {
        func number(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1]) }
        var answer: [UInt8]
        if bytes == [0, 0] {
            requests.append("address")
            answer = header(128) + external.bytes
        } else if bytes.count == 12, bytes[0] == 0, bytes[1] == 1 {
            let (inside, suggested) = (number(4), number(6))
            let seconds = UInt32(number(8)) << 16 | UInt32(number(10))
            requests.append(seconds == 0 ? "unmap" : "map \(suggested) for \(seconds)")
            guard deafness == 0 else { return deafness -= 1 }
            let outside = suggested == 0 ? inside ^ 1 : suggested
            if result == 0 { mappings[inside] = seconds == 0 ? nil : outside }
            answer = header(129) + bytes[4..<6]
            answer += [UInt8(outside >> 8), UInt8(outside & 255)] + Self.bytes(seconds == 0 ? 0 : granted)
        } else {
            requests.append("garbage")
            return
        }
        guard deafness == 0 else { return deafness -= 1 }
        try? socket.send(answer.span, to: source)
    }
}

extension [UInt8] {
    init(copying span: Span<UInt8>) {
        self = (0..<span.count).map { span[$0] }
    }
}

/// What two `ice connect` say to each other once they are connected: a mark, a kind, and numbers in network byte order.
enum Datagram: Equatable {
    /// To be sent back at once.
    case ping(UInt32)
    case pong(UInt32)
    /// One of many that show how much gets through.
    case load(UInt32)
    /// How much of the load has come so far.
    case receipt(Receipt)
    /// All of the load, so many, has been sent.
    case loadEnded(sent: UInt32)
    /// The sender has measured what it wanted; it stays until the other one has, too.
    case done
    /// The sender is gone.
    case bye

    struct Receipt: Equatable {
        /// The greatest number that came.
        var highest: UInt32 = 0
        var packets: UInt32 = 0
        var bytes: UInt64 = 0
        /// From the first to the last one.
        var microseconds: UInt64 = 0
        /// Whether the sender has said that there is no more.
        var isFinal = false
    }

    /// The first byte of all of them; STUN's are below 4, ChannelData's below 0x50.
    private static let mark: UInt8 = 0xc9

    private var kind: UInt8 {
        switch self {
        case .ping: 1
        case .pong: 2
        case .load: 3
        case .receipt: 4
        case .loadEnded: 5
        case .done: 6
        case .bye: 7
        }
    }

    /// - Parameter size: How many bytes it is filled up to.
    func bytes(size: Int = 0) -> [UInt8] {
        var bytes = [Self.mark, kind]
        switch self {
        case .ping(let number), .pong(let number), .load(let number), .loadEnded(let number): bytes.append(number)
        case .receipt(let receipt):
            bytes.append(receipt.highest)
            bytes.append(receipt.packets)
            bytes.append(receipt.bytes)
            bytes.append(receipt.microseconds)
            bytes.append(UInt8(receipt.isFinal ? 1 : 0))
        case .done, .bye: break
        }
        bytes += [UInt8](repeating: 0, count: max(0, size - bytes.count))
        return bytes
    }

    /// What another one has sent; nil for anything else.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= 2, bytes[0] == Self.mark else { return nil }
        func number(at offset: Int, count: Int = 4) -> UInt64? {
            guard bytes.count >= offset + count else { return nil }
            return (offset..<offset + count).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
        }
        func short(at offset: Int) -> UInt32? { number(at: offset).map { UInt32($0) } }
        switch bytes[1] {
        case 6: self = .done
        case 7: self = .bye
        case 4:
            guard let highest = short(at: 2), let packets = short(at: 6), let byteCount = number(at: 10, count: 8),
                let microseconds = number(at: 18, count: 8), let isFinal = number(at: 26, count: 1)
            else { return nil }
            self = .receipt(
                Receipt(
                    highest: highest, packets: packets, bytes: byteCount, microseconds: microseconds,
                    isFinal: isFinal == 1))
        case let kind:
            guard let number = short(at: 2) else { return nil }
            switch kind {
            case 1: self = .ping(number)
            case 2: self = .pong(number)
            case 3: self = .load(number)
            case 5: self = .loadEnded(sent: number)
            default: return nil
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ number: some FixedWidthInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

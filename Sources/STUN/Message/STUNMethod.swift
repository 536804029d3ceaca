/// What a STUN message is about: 12 bits (RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1).
public struct STUNMethod: RawRepresentable, Hashable, Sendable {
    /// The method's number, 0 to 0xFFF.
    public let rawValue: UInt16

    /// A method by its number, of which the low 12 bits count.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue & 0xfff
    }

    /// Binding (RFC 8489): asks which address the request came from.
    public static let binding = STUNMethod(rawValue: 0x001)
    /// Allocate (RFC 8656 §7).
    public static let allocate = STUNMethod(rawValue: 0x003)
    /// Refresh (RFC 8656 §8).
    public static let refresh = STUNMethod(rawValue: 0x004)
    /// Send, an indication only (RFC 8656 §11).
    public static let send = STUNMethod(rawValue: 0x006)
    /// Data, an indication only (RFC 8656 §11).
    public static let data = STUNMethod(rawValue: 0x007)
    /// CreatePermission (RFC 8656 §10).
    public static let createPermission = STUNMethod(rawValue: 0x008)
    /// ChannelBind (RFC 8656 §12).
    public static let channelBind = STUNMethod(rawValue: 0x009)
    /// Connect (RFC 6062 §4.3).
    public static let connect = STUNMethod(rawValue: 0x00a)
    /// ConnectionBind (RFC 6062 §4.3).
    public static let connectionBind = STUNMethod(rawValue: 0x00b)
    /// ConnectionAttempt, an indication only (RFC 6062 §4.4).
    public static let connectionAttempt = STUNMethod(rawValue: 0x00c)

    /// Whether the method is one of those named here and has messages of the class (RFC 8489 §6.3).
    public func allows(_ messageClass: STUNClass) -> Bool {
        switch self {
        case .binding: true
        case .send, .data, .connectionAttempt: messageClass == .indication
        case .allocate, .refresh, .createPermission, .channelBind, .connect, .connectionBind:
            messageClass != .indication
        default: false
        }
    }
}

extension STUNMethod: CustomStringConvertible {
    /// The method's name, or its number where it has none here.
    public var description: String {
        switch self {
        case .binding: "Binding"
        case .allocate: "Allocate"
        case .refresh: "Refresh"
        case .send: "Send"
        case .data: "Data"
        case .createPermission: "CreatePermission"
        case .channelBind: "ChannelBind"
        case .connect: "Connect"
        case .connectionBind: "ConnectionBind"
        case .connectionAttempt: "ConnectionAttempt"
        default: hexadecimal(rawValue)
        }
    }
}

/// What a STUN message is: a question, a notice or one of two kinds of answer (RFC 8489 §5).
public enum STUNClass: UInt8, Hashable, Sendable, CaseIterable {
    /// A request, which wants a response.
    case request
    /// An indication, which gets no response.
    case indication
    /// A success response.
    case success
    /// An error response.
    case failure

    /// Whether this is one of the two responses.
    public var isResponse: Bool { self == .success || self == .failure }
}

/// The first 16 bits of a message: method and class, interleaved (RFC 8489 §5).
///
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |0 0|M|M|M|M|M|C|M|M|M|C|M|M|M|M|
///     |   |B|A|9|8|7|1|6|5|4|0|3|2|1|0|
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
enum MessageType {
    static func encode(_ messageClass: STUNClass, _ method: STUNMethod) -> UInt16 {
        let (m, c) = (method.rawValue, UInt16(messageClass.rawValue))
        return (m & 0xf80) << 2 | (m & 0x070) << 1 | m & 0x00f | (c & 2) << 7 | (c & 1) << 4
    }

    static func method(of type: UInt16) -> STUNMethod {
        STUNMethod(rawValue: type >> 2 & 0xf80 | type >> 1 & 0x070 | type & 0x00f)
    }

    static func messageClass(of type: UInt16) -> STUNClass {
        switch (type & 0x100 != 0, type & 0x010 != 0) {
        case (false, false): .request
        case (false, true): .indication
        case (true, false): .success
        case (true, true): .failure
        }
    }
}

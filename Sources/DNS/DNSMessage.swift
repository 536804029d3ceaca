/// A DNS message, as multicast DNS uses it (RFC 1035 §4.1, RFC 6762 §18).
///
/// ```
///   0  1  2  3  4  5  6  7  8  9  0  1  2  3  4  5
/// +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
/// |                      ID                       |
/// |QR|   Opcode  |AA|TC|RD|RA|   Z    |   RCODE   |
/// |  QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT           |
/// +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
/// ```
///
/// Names are read and written by the system's resolver library, in its presentation form.
package struct DNSMessage: Hashable, Sendable {
    /// What ties an answer to a question; 0 in multicast DNS (RFC 6762 §18.1).
    package var id: UInt16 = 0
    /// The second 16 bits.
    package var flags: UInt16 = 0
    /// What it asks for.
    package var questions: [DNSQuestion] = []
    /// What it answers, or in a question, what the asker knows already.
    package var answers: [DNSRecord] = []
    /// Records that somebody means to claim.
    package var authorities: [DNSRecord] = []
    /// What the asker may want to know next.
    package var additionals: [DNSRecord] = []

    /// An empty question.
    package init() {}

    /// An empty answer, by whoever has the say over its names.
    package static var response: DNSMessage {
        var message = DNSMessage()
        message.flags = responseFlag | authoritativeFlag
        return message
    }

    /// Whether it is an answer.
    package var isResponse: Bool { flags & Self.responseFlag != 0 }

    /// Whether it is an ordinary question or answer, without an error: all others are ignored (RFC 6762 §18.3, §18.11).
    package var isOrdinary: Bool { flags & Self.operationMask == 0 && flags & Self.errorMask == 0 }

    /// RFC 6762 §17: "Even when fragmentation is used, a Multicast DNS packet, including IP and UDP headers, MUST NOT exceed 9000 bytes."
    package static let maximumLength = 9000

    static let headerLength = 12
    private static let responseFlag: UInt16 = 0x8000
    private static let authoritativeFlag: UInt16 = 0x0400
    private static let operationMask: UInt16 = 0x7800
    private static let errorMask: UInt16 = 0x000f

    /// RFC 1035 §3.2.4: the class of the Internet; and that of questions for any.
    static let internetClass: UInt16 = 1
    static let anyClass: UInt16 = 255
    /// RFC 6762 §18.12, §18.13: the top bit of a class is QU in questions, and cache-flush in records.
    static let classFlag: UInt16 = 0x8000
}

/// A message that could not be read or written.
package enum DNSError: Error, Hashable, Sendable {
    /// It is longer than 9,000 bytes.
    case tooLong
    /// It is no DNS message: cut off, with bytes behind it, or with names that lead nowhere.
    case malformed
    /// A name has an empty label, one of more than 63 bytes, or more than 255 in all.
    case badName
}

/// One kind of attribute: a type number, and how its value is written and read (RFC 8489 §14).
///
/// Conform a type of your own to it to use attributes that this library does not know.
///
/// ```swift
/// struct Region: STUNAttribute {
///     static let type: UInt16 = 0xc0fe
///     let number: UInt8
///
///     init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
///         number = value.isEmpty ? 0 : value[0]
///     }
///
///     func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) { bytes.append(number) }
/// }
/// ```
public protocol STUNAttribute: Sendable {
    /// The type number; from 0x8000 on a receiver may ignore an attribute that it does not know.
    static var type: UInt16 { get }

    /// Reads a value, without its padding; throws ``STUNError/Code/malformedAttribute`` where it has another form.
    ///
    /// The transaction ID is that of the message, which the XOR addresses need.
    init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError)

    /// Appends the value, without padding, to the bytes of a message.
    func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID)
}

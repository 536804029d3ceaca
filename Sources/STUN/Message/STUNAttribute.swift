/// One kind of attribute: a type number, and how its value is written and read (RFC 8489 §14).
///
/// Conform a type of your own to it to use attributes that this library does not know.
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

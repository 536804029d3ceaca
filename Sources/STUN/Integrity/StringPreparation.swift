/// How names and passwords are brought into the one form that both ends hash.
///
/// RFC 8489 §9.1.1 asks for OpaqueString (RFC 8265), RFC 5389 for SASLprep (RFC 4013). Both leave printable ASCII as it is, and so
/// does ``none``; whoever has other passwords hands in the profile that the other end uses.
public struct StringPreparation: Sendable {
    private let prepare: @Sendable (String) -> String

    /// A profile of the application's own.
    public init(_ prepare: @escaping @Sendable (String) -> String) {
        self.prepare = prepare
    }

    /// Takes strings to be prepared already, as those of printable ASCII are.
    public static let none = StringPreparation { $0 }

    func apply(to text: String) -> String { prepare(text) }
}

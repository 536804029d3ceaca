/// How names and passwords are brought into the one form that both ends hash.
///
/// RFC 8489 §9.1.1 asks for OpaqueString (RFC 8265), RFC 5389 for SASLprep (RFC 4013). Both leave printable ASCII as it is, and so
/// does ``none``; whoever has other passwords takes the profile that the other end uses, and a normalisation from where there is one:
///
/// ```swift
/// import Foundation
///
/// let profile = StringPreparation.opaqueString { $0.precomposedStringWithCanonicalMapping }
/// var configuration = STUNClientConfiguration(host: "stun.example.org")
/// configuration.authentication = .longTerm(
///     username: profile.apply(to: "Zoë"), password: profile.apply(to: "a password"))
/// ```
public struct StringPreparation: Sendable {
    private let prepare: @Sendable (String) -> String

    /// A profile of the application's own.
    public init(_ prepare: @escaping @Sendable (String) -> String) {
        self.prepare = prepare
    }

    /// The prepared form of a name or password.
    public func apply(to text: String) -> String { prepare(text) }
}

extension StringPreparation {
    /// Takes strings to be prepared already, as those of printable ASCII are.
    public static let none = StringPreparation { $0 }

    /// OpaqueString, RFC 8489's profile (RFC 8265 §4.2.2): every space becomes the ASCII one, then comes normalisation form C.
    ///
    /// Width and case stay. Strings that the profile disallows, such as those with control characters, are not looked for. ASCII
    /// is not given to the normalisation.
    public static func opaqueString(
        normalizationFormC: @escaping @Sendable (String) -> String
    ) -> StringPreparation {
        StringPreparation { text in
            isASCII(text) ? text : normalizationFormC(map(text) { isSpace($0) ? " " : $0 })
        }
    }

    /// SASLprep, RFC 5389's profile (RFC 4013 §2): spaces become the ASCII one, what is invisible goes, then comes normalisation
    /// form KC.
    ///
    /// Strings that the profile prohibits are not looked for. ASCII is not given to the normalisation.
    public static func saslPrep(
        normalizationFormKC: @escaping @Sendable (String) -> String
    ) -> StringPreparation {
        StringPreparation { text in
            if isASCII(text) { return text }
            return normalizationFormKC(
                map(text) { scalar in
                    if mappedToNothing.contains(where: { $0.contains(scalar.value) }) { return nil }
                    return isSpace(scalar) ? " " : scalar
                })
        }
    }

    /// "commonly mapped to nothing" (RFC 3454, table B.1).
    private static let mappedToNothing: [ClosedRange<UInt32>] = [
        0xad...0xad, 0x34f...0x34f, 0x1806...0x1806, 0x180b...0x180d, 0x200b...0x200d, 0x2060...0x2060,
        0xfe00...0xfe0f, 0xfeff...0xfeff,
    ]

    private static func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .spaceSeparator
    }

    private static func map(_ text: String, _ transform: (Unicode.Scalar) -> Unicode.Scalar?) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.compactMap(transform)))
    }
}

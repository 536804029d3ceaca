import Crypto
import Foundation

/// What the secret of a room opens: the place of the call's documents, and the documents themselves.
///
/// Both come from the secret by HKDF (RFC 5869). Who does not know it can neither find the call in the store nor, having looked through
/// all that is there, read or forge a document. A secret that can be guessed can be tried out on the sign at the door: take a long one.
struct RoomSecret {
    /// The call's name in the store.
    let callID: String
    private let key: SymmetricKey

    init(_ secret: String, room: String) {
        let input = SymmetricKey(data: Data(secret.utf8))
        func derive(_ purpose: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: input, salt: Data("call-room \(room)".utf8), info: Data(purpose.utf8),
                outputByteCount: 32)
        }
        key = derive("documents")
        callID = unsafe derive("call").withUnsafeBytes { bytes in
            unsafe bytes.prefix(16).map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        }
    }

    /// Seals a document for its place, so that it can't be read, changed, or taken to another place.
    func seal(_ document: some Encodable, at place: String) throws -> String {
        let box = try ChaChaPoly.seal(JSONEncoder().encode(document), using: key, authenticating: Data(place.utf8))
        return box.combined.base64EncodedString()
    }

    /// Opens what was sealed with the same secret for the same place.
    func open<Document: Decodable>(_ text: String, at place: String) throws -> Document {
        let box = try ChaChaPoly.SealedBox(combined: Data(base64Encoded: text) ?? Data())
        let bytes = try ChaChaPoly.open(box, using: key, authenticating: Data(place.utf8))
        return try JSONDecoder().decode(Document.self, from: bytes)
    }
}

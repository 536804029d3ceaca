import NetBase
import STUN

/// Something that an agent does with a STUN message.
enum Operation: String, CaseIterable {
    /// The header, the name and the priority of a check are read.
    case decode
    /// A check's header is read, and its fingerprint and integrity are looked at.
    case verify
    /// A check is written and signed.
    case encode
    /// A check is verified, and its response written and signed.
    case answer

    /// Does it so many times; the sum says that it was done, and is 0 if it failed.
    func run(_ count: Int) -> Int {
        let key = Check.makeKey()
        let request = Check.makeRequest(signedWith: key).bytes
        return switch self {
        case .decode: Self.repeated(count) { Self.decode(request) }
        case .verify: Self.repeated(count) { Self.verify(request, key)?.bytes.count ?? 0 }
        case .encode: Self.repeated(count) { Check.makeRequest(signedWith: key).bytes.count }
        case .answer: Self.answer(request, key, count)
        }
    }

    private static func decode(_ request: [UInt8]) -> Int {
        guard let message = try? STUNMessage(parsing: request.span),
            let username = message.valueRange(ofType: STUNMessage.Username.type),
            let priority = try? message.decode(STUNMessage.Priority.self)
        else { return 0 }
        return username.count + Int(priority.value)
    }

    private static func verify(_ request: [UInt8], _ key: IntegrityKey) -> STUNMessage? {
        guard let message = try? STUNMessage(parsing: request.span), message.fingerprint == .valid,
            message.verifyIntegrity(key) == .valid(.sha1)
        else { return nil }
        return message
    }

    private static func answer(_ request: [UInt8], _ key: IntegrityKey, _ count: Int) -> Int {
        var responder = BindingResponder(BindingAuthenticator(localFragment: Check.localFragment, key: key))
        return repeated(count) { responder.respond(to: request.span, from: Check.source)?.count ?? 0 }
    }

    private static func repeated(_ count: Int, _ body: () -> Int) -> Int {
        var sum = 0
        for _ in 0..<count {
            let result = body()
            guard result > 0 else { return 0 }
            sum &+= result
        }
        return sum
    }
}

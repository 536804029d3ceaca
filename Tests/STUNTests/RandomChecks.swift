import NetBase
import STUN

/// Checks of all sorts: right ones, such with attributes that are unknown, malformed, repeated or out of place, wrongly signed ones, and
/// what is left when bytes of them have changed.
struct RandomChecks {
    private var generator: SeededGenerator
    private let key: IntegrityKey
    private let other = IntegrityKey(shortTermPassword: "another")

    init(seed: UInt64, key: IntegrityKey) {
        generator = SeededGenerator(seed: seed)
        self.key = key
    }

    mutating func next() -> [UInt8] {
        var message = STUNMessage(
            messageClass(), chance(20) ? .allocate : .binding, transactionID: STUNTransactionID(using: &generator))
        if !chance(12) { message.append(STUNMessage.Username(chance(10) ? "frog:abcd" : "frag:abcd")) }
        for _ in 0..<Int.random(in: 0...5, using: &generator) { appendSomething(to: &message) }
        sign(&message)
        if chance(10) { appendSomething(to: &message) }
        var bytes = message.bytes
        let isChanged = chance(3)
        if isChanged { change(&bytes) }
        // With a right fingerprint, what has changed is looked at more closely.
        guard let received = try? STUNMessage(bytes), !chance(10) else { return bytes }
        message = received
        message.appendFingerprint()
        if chance(20) { appendSomething(to: &message) }
        bytes = message.bytes
        if chance(10) { change(&bytes) }
        return bytes
    }

    private mutating func chance(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &generator) == 0 }

    private mutating func messageClass() -> STUNClass {
        guard chance(6) else { return .request }
        return STUNClass.allCases.randomElement(using: &generator) ?? .request
    }

    private mutating func sign(_ message: inout STUNMessage) {
        let key = chance(8) ? other : key
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: break
        case 1: message.appendIntegrity(key, .sha256)
        case 2:
            message.appendIntegrity(key, .sha1)
            message.appendIntegrity(chance(3) ? other : key, .sha256)
        case 3: message.append(type: STUNMessage.MessageIntegrity.type, value: noise(16...24))
        default: message.appendIntegrity(key, .sha1)
        }
    }

    private mutating func appendSomething(to message: inout STUNMessage) {
        let number = UInt32.random(in: 0...UInt32.max, using: &generator)
        switch Int.random(in: 0..<14, using: &generator) {
        case 0, 1, 2: message.append(STUNMessage.Priority(number))
        case 3, 4: message.append(STUNMessage.ICEControlling(tieBreaker: UInt64(number) << 20))
        case 5: message.append(STUNMessage.ICEControlled(tieBreaker: UInt64(number) << 20))
        case 6: message.append(STUNMessage.UseCandidate())
        case 7: message.append(STUNMessage.Nomination(number))
        case 8: message.append(STUNMessage.NetworkInfo(id: 7, cost: UInt16(number & 0x3ff)))
        case 9: message.append(STUNMessage.Software("a check"))
        case 10: message.append(type: UInt16(number & 0xffff), value: noise(0...8))
        case 11: message.append(type: STUNMessage.Username.type, value: Array("frag:".utf8) + noise(0...6))
        default:
            // A kind that is known, with whatever value.
            let kinds = [
                STUNMessage.Priority.type, STUNMessage.UseCandidate.type, STUNMessage.Nomination.type,
                STUNMessage.NetworkInfo.type, STUNMessage.ICEControlling.type, STUNMessage.ICEControlled.type,
            ]
            message.append(type: kinds.randomElement(using: &generator) ?? 0, value: noise(0...9))
        }
    }

    private mutating func noise(_ range: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: range, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        if chance(6) { bytes.removeLast(Int.random(in: 1...min(12, bytes.count), using: &generator)) }
        for _ in 0..<Int.random(in: 0...2, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[index] = chance(2) ? UInt8.random(in: 0...255, using: &generator) : bytes[index] ^ 1
        }
    }
}

import NetBase
import STUN

extension STUNMessage {
    /// Parses an array; the span of a temporary does not get through an expectation.
    init(_ bytes: [UInt8]) throws {
        try self.init(parsing: bytes.span)
    }
}

func looksLikeSTUN(_ bytes: [UInt8]) -> Bool { STUNMessage.looksLikeSTUN(bytes.span) }

func milliseconds(_ count: Int) -> Instant { Instant(nanoseconds: Int64(count) * 1_000_000) }

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

let someID = STUNTransactionID(high: 0x0102_0304, low: 0x0506_0708_090a_0b0c)

func bindingRequest(_ attributes: [any STUNAttribute] = []) -> STUNMessage {
    message(.request, attributes)
}

func message(_ messageClass: STUNClass, _ attributes: [any STUNAttribute] = []) -> STUNMessage {
    var message = STUNMessage(messageClass, .binding, transactionID: someID)
    for attribute in attributes { message.append(attribute) }
    return message
}

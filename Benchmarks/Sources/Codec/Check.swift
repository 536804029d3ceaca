import NetBase
import STUN

/// A connectivity check as ICE agents send it, and what it is signed with.
enum Check {
    static let source = TransportAddress(IPAddress(v4: 0xc000_0201), port: 32_853)

    static let localFragment = "evtj"

    static func makeKey() -> IntegrityKey { IntegrityKey(shortTermPassword: "VOkJxbRl1RmTxUk/WvJxBt") }

    static func makeRequest(signedWith key: IntegrityKey) -> STUNMessage {
        var request = STUNMessage(
            .request, .binding, transactionID: STUNTransactionID(high: 0xb7e7_a701, low: 0xbc34_d686_fa87_dfae))
        request.append(STUNMessage.Username("\(localFragment):h6vY"))
        request.append(STUNMessage.Priority(0x6e00_01ff))
        request.append(STUNMessage.ICEControlling(tieBreaker: 0x932f_f9b1_5126_3b36))
        request.appendIntegrity(key)
        request.appendFingerprint()
        return request
    }
}

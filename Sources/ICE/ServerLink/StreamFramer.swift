import NetBase
import STUN
import TURNCore

/// Cuts a server's stream into messages, as the link's framing has it.
enum StreamFramer {
    case stun(STUNStreamDecoder)
    case turn(TURNStreamDecoder)

    init(_ framing: ServerEndpoint.Framing) {
        switch framing {
        case .stun: self = .stun(STUNStreamDecoder())
        case .turn: self = .turn(TURNStreamDecoder())
        }
    }

    /// Takes the next part of the stream, and hands on each message that it completes, borrowed for the call.
    mutating func receive(
        _ bytes: Span<UInt8>, _ handle: (TURNStreamDecoder.Frame, Span<UInt8>) -> Void
    ) throws(LinkError) {
        switch self {
        case .stun(var decoder):
            self = .stun(STUNStreamDecoder())
            var offset = 0
            do throws(STUNError) {
                while let message = try decoder.next(in: bytes, from: &offset) {
                    handle(.stunMessage, message.bytes.span)
                }
            } catch {
                throw LinkError(
                    .framing, "the server sent something else than STUN (\(error)); check its port and transport")
            }
            self = .stun(decoder)
        case .turn(var decoder):
            self = .turn(TURNStreamDecoder())
            do throws(TURNStreamDecoder.LostFraming) {
                try decoder.receive(bytes, handle)
            } catch {
                throw LinkError(
                    .framing, "the server sent something else than STUN and ChannelData; check its port and transport")
            }
            self = .turn(decoder)
        }
    }
}

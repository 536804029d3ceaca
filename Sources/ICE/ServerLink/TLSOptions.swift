import NetBase
import TLS

extension TLSOptions {
    func makeContext(_ transport: TLSContext.Transport) throws(TLSError) -> TLSContext {
        let trust: TLSContext.Trust =
            switch trust {
            case .system: .system
            case .authorities(let pem): .authorities(pem: pem)
            case .pinned(let digest): .pinned(sha256: digest)
            case .unverified: .unverified
            }
        return try .client(transport, trust: trust)
    }
}

package import NetBase

/// A `stun:`, `stuns:`, `turn:` or `turns:` URL taken apart (RFC 7064 §3, RFC 7065 §3).
package struct ServerURL: Hashable, Sendable {
    /// What the server is asked for.
    package enum Service: Hashable, Sendable {
        case stun, turn
    }

    package let text: String
    package let service: Service
    package let transport: TransportProtocol
    /// A name, or an IP address without brackets.
    package let host: String
    package let port: UInt16

    /// RFC 7064 §3.1, RFC 7065 §3.1: the default ports without and with TLS.
    private static let defaultPorts = (clear: UInt16(3478), secure: UInt16(5349))

    package init(_ text: String) throws(ICESyntaxError) {
        func malformed(_ why: String) -> ICESyntaxError {
            // Where users and passwords stand in other URLs, somebody may have put them: what follows is not shown.
            guard !text.contains("@") else {
                return ICESyntaxError(
                    .malformedServerURL,
                    withholdingText:
                        "a server URL has no user or password in it: hand them over as username and credential")
            }
            let isCut = text.contains("?")
            return ICESyntaxError(.malformedServerURL, why, in: text.prefix { $0 != "?" } + (isCut ? "?…" : ""))
        }
        guard text.utf8.count <= 1024 else { throw malformed("a server URL is at most 1024 bytes long") }
        guard let colon = text.firstIndex(of: ":") else { throw malformed("a server URL begins with stun: or turn:") }
        let isSecure: Bool
        switch text[..<colon].lowercased() {
        case "stun": (service, isSecure) = (.stun, false)
        case "stuns": (service, isSecure) = (.stun, true)
        case "turn": (service, isSecure) = (.turn, false)
        case "turns": (service, isSecure) = (.turn, true)
        default:
            throw malformed("a server URL begins with stun:, stuns:, turn: or turns:, as in stun:stun.example.org:3478")
        }
        let rest = text[text.index(after: colon)...]
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard service == .turn else { throw malformed("a stun URL takes no query") }
            switch parts[1] {
            case "transport=udp": transport = isSecure ? .dtls : .udp
            case "transport=tcp": transport = isSecure ? .tls : .tcp
            default: throw malformed("the only queries are ?transport=udp and ?transport=tcp")
            }
        } else {
            transport = isSecure ? .tls : .udp
        }
        guard let (host, port) = Self.splitAuthority(parts[0]) else {
            throw malformed(
                "after the scheme comes a host, or an IPv6 address in brackets, and perhaps a port 1 to 65535")
        }
        if service == .stun, isSecure, IPAddress(host) != nil {
            throw malformed("a stuns URL needs a host name, which the server's certificate is verified against")
        }
        self.host = host
        self.port = port ?? (isSecure ? Self.defaultPorts.secure : Self.defaultPorts.clear)
        self.text = text
    }

    private static func splitAuthority(_ authority: Substring) -> (host: String, port: UInt16?)? {
        var host = authority
        var port: UInt16?
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            let digits = authority[authority.index(after: colon)...]
            guard digits.utf8.allSatisfy({ 48...57 ~= $0 }), let number = UInt16(digits), number > 0 else { return nil }
            host = authority[..<colon]
            port = number
        }
        if host.first == "[" {
            guard host.last == "]", let ip = IPAddress(String(host.dropFirst().dropLast())), ip.family == .v6 else {
                return nil
            }
            return (ip.description, port)
        }
        let isName = host.utf8.allSatisfy { $0.isHostCharacter }
        return isName && 1...255 ~= host.utf8.count ? (String(host), port) : nil
    }
}

extension UInt8 {
    fileprivate var isHostCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

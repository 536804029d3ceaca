package import NetBase

/// What a server's certificate has to prove: the host of its URI (RFC 8489 §6.2.3, RFC 6125).
package enum ServerIdentity: Hashable, Sendable {
    /// A DNS name, announced in the handshake (SNI) and matched against the certificate's names.
    case name(String)
    /// An IP address, matched against the certificate's IP names; RFC 6066 §3 forbids announcing it.
    case address(IPAddress)

    /// The host of a URI: an IP address where the text is one, brackets around IPv6 allowed, else a DNS name without its final dot.
    package init(host: String) {
        let bracketed = host.first == "[" && host.last == "]"
        let text = bracketed ? String(host.dropFirst().dropLast()) : host
        if let address = IPAddress(text) {
            self = .address(address.scoped(to: 0))
        } else {
            self = .name(host.last == "." ? String(host.dropLast()) : host)
        }
    }
}

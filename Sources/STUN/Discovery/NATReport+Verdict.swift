extension NATReport {
    /// What the findings mean for calls with peers.
    public enum Verdict: Hashable, Sendable, CaseIterable {
        /// Any peer that UDP reaches can be called directly.
        case directToAll
        /// All peers but those behind symmetric NATs can.
        case directToMost
        /// Only peers that let packets from unforeseen ports in can.
        case directToFew
        /// Nothing came back over UDP.
        case noUDP
        /// Not enough was found out.
        case unknown
    }

    /// What the findings mean for calls with peers.
    ///
    /// Where the filter is not known, the strictest is presumed. Peers behind the same NAT are another matter, which ``hairpins`` tells of.
    public var verdict: Verdict {
        guard publicAddress != nil else { return .noUDP }
        switch mapping {
        case .noNAT, .endpointIndependent:
            // A peer behind a symmetric NAT comes from a port that nobody could send to before.
            return filtering == .endpointIndependent || filtering == .addressDependent ? .directToAll : .directToMost
        case .addressDependent, .addressAndPortDependent: return .directToFew
        case nil: return .unknown
        }
    }
}

extension NATReport.Verdict: CustomStringConvertible {
    /// A sentence for people.
    public var description: String {
        switch self {
        case .directToAll: "direct calls to all peers that have UDP will work"
        case .directToMost: "direct calls to most peers will work; it needs a relay to peers behind symmetric NATs"
        case .directToFew:
            "direct calls work to peers with open ports or loose filters only; it needs a relay to peers behind most home routers"
        case .noUDP: "nothing came back over UDP: it needs a relay over TCP or TLS, unless the server is at fault"
        case .unknown: "the server could not help to find out; whether a relay is needed is not known"
        }
    }
}

// MARK: - For people

extension NATReport: CustomStringConvertible {
    /// All findings and the verdict, on one line.
    public var description: String {
        var parts: [String] = []
        if let publicAddress { parts.append("\(localAddress) is \(publicAddress) outside") }
        if let mapping { parts.append(mapping == .noNAT ? "no NAT" : "\(mapping) mapping") }
        if let filtering { parts.append("\(filtering) filtering") }
        if let hairpins { parts.append(hairpins ? "hairpins" : "does not hairpin") }
        if let mappingLifetime { parts.append("mappings last \(mappingLifetime)") }
        parts += gaps.map { "(\($0))" }
        return (parts + ["\(verdict)"]).joined(separator: ", ")
    }
}

extension NATReport.Mapping: CustomStringConvertible {
    /// RFC 4787's words.
    public var description: String {
        switch self {
        case .noNAT: "no"
        case .endpointIndependent: "endpoint-independent"
        case .addressDependent: "address-dependent"
        case .addressAndPortDependent: "address- and port-dependent"
        }
    }
}

extension NATReport.Filtering: CustomStringConvertible {
    /// RFC 4787's words.
    public var description: String {
        switch self {
        case .endpointIndependent: "endpoint-independent"
        case .addressDependent: "address-dependent"
        case .addressAndPortDependent: "address- and port-dependent"
        }
    }
}

extension NATReport.MappingLifetime: CustomStringConvertible {
    /// Such as `112 to 123 s`.
    public var description: String {
        let least = atLeast.components.seconds
        guard let lessThan else { return "\(least) s or longer" }
        return "\(least) to \(lessThan.components.seconds) s"
    }
}

extension NATReport.Gap: CustomStringConvertible {
    /// A sentence for people.
    public var description: String {
        switch self {
        case .noOtherAddress: "the server has no second address to test with"
        case .unusableOtherAddress(let address):
            "the server names \(address) as its second address, which cannot be asked"
        case .otherAddressSilent: "the server's second address did not answer"
        case .changeRequestRefused(let code): "the server refused to answer from its second address with a \(code)"
        case .changeRequestMisanswered: "the server answered from another address than it was asked to"
        case .responsePortUnsupported: "the server does not answer to another port, which lifetimes are measured by"
        case .severalPublicAddresses: "the NAT has several public addresses, so that lifetimes cannot be measured"
        case .unanswered: "a request was not answered"
        }
    }
}

extension NetworkError {
    /// The same fault of a socket that was to have an address of this machine, with what to do about it.
    package func binding(to address: TransportAddress) -> NetworkError {
        guard advice == nil, let advice = Self.advice(for: code, bindingTo: address) else { return self }
        return NetworkError(code, name: name, operation: operation, advice: advice)
    }

    /// From this port on, systems let everybody have the ports unless they are set up otherwise.
    private static let firstUnprivilegedPort: UInt16 = 1024

    private static func advice(for code: Code, bindingTo address: TransportAddress) -> String? {
        switch code {
        case .addressInUse where address.port == 0: "all ports of the address are taken: close some sockets"
        case .addressInUse:
            "another program, or another socket of this one, has port \(address.port): end it, or take another port, "
                + "such as 0 for one that is free"
        case .addressNotAvailable:
            "no interface of this machine has the address: take one that `ip addr` shows, which behind a 1:1 NAT is the "
                + "private one"
        case .notPermitted where address.port != 0 && address.port < firstUnprivilegedPort:
            "a port below \(firstUnprivilegedPort) takes a privilege, such as CAP_NET_BIND_SERVICE: take a higher one"
        case .notPermitted: "the system's rules for this program forbid it: look at its sandbox, or its container"
        case .outOfResources: "the process may have no more open files: raise that limit (`ulimit -n`), or close some"
        default: nil
        }
    }
}

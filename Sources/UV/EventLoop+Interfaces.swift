package import NetBase

/// The machine's addresses as they were listed last.
///
/// Listing them takes a dozen system calls, and a server makes many clients at a time.
struct RecentInterfaces {
    private var addresses: [InterfaceAddress] = []
    private var listedAt: Instant?

    /// What is older than this is listed anew.
    private static let greatestAge = Duration.milliseconds(10)

    mutating func addresses(
        at now: Instant, list: () throws(NetworkError) -> [InterfaceAddress]
    ) throws(NetworkError) -> [InterfaceAddress] {
        if let listedAt, now - listedAt <= Self.greatestAge { return addresses }
        addresses = try list()
        listedAt = now
        return addresses
    }
}

extension EventLoop {
    /// The addresses of all interfaces that are up, as they are or were some milliseconds ago.
    package func interfaceAddresses() throws(NetworkError) -> [InterfaceAddress] {
        // A closed loop's clients may be on several threads.
        guard !isClosed else { return try NetworkInterfaces.addresses() }
        return try interfaces.addresses(at: .systemNow) { () throws(NetworkError) in try NetworkInterfaces.addresses() }
    }

    /// The addresses may have changed: the next who asks gets those that there are then.
    package func forgetInterfaceAddresses() { interfaces = RecentInterfaces() }
}

import NetBase

/// What a request of a discovery is to show.
enum NATTest: Hashable, Sendable {
    /// RFC 5780 §4.2, and test I of §4.3 and §4.4.
    case connectivity
    /// Test II of §4.4: does an answer come in from an address and port that were not asked?
    case filteringByAddress
    /// Test III of §4.4: does one from another port?
    case filteringByPort
    /// Where a second socket is mapped to.
    case hairpinOpening
    /// From the second socket to where the first is mapped to.
    case hairpinForth
    /// From the first socket to where the second is mapped to: this opens filters, too.
    case hairpinBack
    /// Test II of §4.3: is another address shown the same mapping?
    case mappingByAddress
    /// Test III of §4.3: is another port?
    case mappingByPort
    /// §4.6: where port Y is mapped to.
    case lifetimeControl
    /// §4.6: opens a mapping for port X, and shows it.
    case lifetimeOpening
    /// §4.6: does an answer to Y's request come in through X's mapping?
    case lifetimeProbe

    /// Whether the request is one of ours to ourselves.
    var isHairpin: Bool { self == .hairpinForth || self == .hairpinBack }
}

/// A request that is to be sent, and how it may be answered.
struct NATQuestion {
    let test: NATTest
    let socket: NATDiscovery.Socket
    let destination: TransportAddress

    /// What the server is asked to answer from; elsewhere than from the destination with a CHANGE-REQUEST alone.
    var origin: TransportAddress
    var change: STUNMessage.ChangeRequest?

    /// The port that the server is asked to answer to, and whose it is.
    var responsePort: (port: UInt16, socket: NATDiscovery.Socket)?

    /// Where a request to ourselves may come back from: "External source IP address" or "Internal source IP address" (RFC 4787 §6).
    var echoOrigins: [IPAddress] = []

    /// How often it was asked with other credentials before.
    var retries = 0

    init(_ test: NATTest, from socket: NATDiscovery.Socket, to destination: TransportAddress) {
        self.test = test
        self.socket = socket
        self.destination = destination
        origin = destination
    }
}

/// What became of a request.
enum NATAnswer {
    /// The server answered as it was asked to, and that is where the answer came in.
    case response(STUNMessage, on: NATDiscovery.Socket)
    /// The server answered, from another address than it was asked to.
    case misplaced
    /// The server answered with an error.
    case error(STUNMessage.ErrorCode)
    /// The request came back to us itself.
    case echo
    /// Nothing came that may be believed.
    case failed(TransactionFailure)
    /// The network says that nobody is there.
    case unreachable
}

import ICETesting
import NetBase
import STUN
import TURNCore
import Testing

/// A TURN client made by hand: it signs requests with what the last challenge told it, and remembers what comes back.
final class HandmadeTURNClient {
    var username = "alice"
    var password = "secret"
    private(set) var realm: String?
    private(set) var nonce: String?
    private(set) var messages: [STUNMessage] = []
    private(set) var channelData: [(channel: UInt16, data: [UInt8])] = []
    private(set) var ending: NetworkError.Code?

    private let network: SimulatedNetwork
    private var generator: SeededGenerator
    private let write: ([UInt8]) throws -> Void
    /// Keeps socket or stream.
    let link: AnyObject

    /// A client over UDP.
    init(
        _ network: SimulatedNetwork, udp host: SimulatedHost, _ local: TransportAddress, to server: TransportAddress
    ) throws {
        let socket = try host.bind(local)
        (self.network, link) = (network, socket)
        generator = network.makeRandomNumberGenerator("\(local)")
        write = { [unowned socket] in try socket.send($0, to: server) }
        socket.onDatagram = { [weak self] bytes, _ in
            if STUNMessage.looksLikeSTUN(bytes), let message = try? STUNMessage(parsing: bytes) {
                self?.messages.append(message)
            } else if let data = ChannelData(datagram: bytes) {
                self?.channelData.append((data.channel.rawValue, [UInt8](copying: bytes.extracting(data.payload))))
            }
        }
    }

    /// A client over TCP.
    init(_ network: SimulatedNetwork, tcp host: SimulatedHost, to server: TransportAddress) throws {
        let stream = try host.connect(to: server)
        (self.network, link) = (network, stream)
        generator = network.makeRandomNumberGenerator("stream")
        write = { [unowned stream] in try stream.write($0) }
        var decoder = TURNStreamDecoder()
        stream.onBytes = { [weak self] bytes in
            try? decoder.receive(bytes) { frame, content in
                switch frame {
                case .stunMessage: (try? STUNMessage(parsing: content)).map { self?.messages.append($0) }
                case .channelData(let channel):
                    self?.channelData.append((channel.rawValue, [UInt8](copying: content)))
                }
            }
        }
        stream.onClose = { [weak self] in self?.ending = $0.code }
    }

    func makeID() -> STUNTransactionID { STUNTransactionID(using: &generator) }

    func send(_ bytes: [UInt8]) throws { try write(bytes) }

    /// Sends a request once, signed if there is something to sign with, and gives the response.
    func ask(
        _ method: STUNMethod, _ attributes: [any STUNAttribute] = [], id: STUNTransactionID? = nil
    ) throws -> STUNMessage? {
        var request = STUNMessage(.request, method, transactionID: id ?? makeID())
        for attribute in attributes {
            if let raw = attribute as? RawAttribute {
                request.append(type: raw.number, value: raw.value)
            } else {
                request.append(attribute)
            }
        }
        if let realm, let nonce {
            request.append(STUNMessage.Username(username))
            request.append(STUNMessage.Realm(realm))
            request.append(STUNMessage.Nonce(nonce))
            request.appendIntegrity(
                IntegrityKey(longTermUsername: username, realm: realm, password: password))
        }
        let count = messages.count
        try send(request.bytes)
        network.run(
            until: { messages.dropFirst(count).contains { $0.transactionID == request.transactionID } },
            atMost: .milliseconds(200))
        return messages.dropFirst(count).first { $0.transactionID == request.transactionID }
    }

    /// Sends a request, and once more if the first answer is a challenge.
    @discardableResult
    func request(_ method: STUNMethod, _ attributes: any STUNAttribute...) throws -> STUNMessage {
        let first = try #require(try ask(method, attributes))
        guard [401, 438].contains(first.code) else { return first }
        learn(from: first)
        return try #require(try ask(method, attributes))
    }

    func learn(from challenge: STUNMessage) {
        realm = challenge[STUNMessage.Realm.self]?.value
        nonce = challenge[STUNMessage.Nonce.self]?.value
    }

    /// Allocates, and gives the relayed addresses.
    @discardableResult
    func allocate(_ attributes: any STUNAttribute...) throws -> [TransportAddress] {
        if nonce == nil { learn(from: try #require(try ask(.allocate))) }
        let all = [STUNMessage.RequestedTransport(17)] + attributes as [any STUNAttribute]
        return try #require(try ask(.allocate, all)).relayed
    }

    func sendIndication(_ data: [UInt8], to peer: TransportAddress, dontFragment: Bool = false) throws {
        let message = SendIndication.encode(
            data.span, to: peer, isDontFragment: dontFragment, transactionID: makeID())
        try send(try #require(message).bytes)
    }

    func sendChannelData(_ data: [UInt8], on channel: UInt16) throws {
        let number = try #require(ChannelNumber(rawValue: channel))
        let frame = ChannelData.encodeStream(data.span, on: number)
        try send(try #require(frame))
    }

    /// What came in Data indications.
    var data: [(peer: TransportAddress, data: [UInt8])] {
        messages.compactMap { message in
            guard let indication = DataIndication(message), case .data(let range) = indication.content else {
                return nil
            }
            return (indication.peer, Array(message.bytes[range]))
        }
    }

    var icmp: [STUNMessage] { messages.filter { $0.contains(type: STUNMessage.ICMP.type) } }
}

extension STUNMessage {
    /// The error's code; nil for a success.
    var code: Int? { self[ErrorCode.self]?.code }

    var lifetime: UInt32? { self[Lifetime.self]?.value }

    /// All relayed addresses, of which the subscript gives the first only.
    var relayed: [TransportAddress] {
        attributes.filter { $0.type == XORRelayedAddress.type }.compactMap { location in
            let value = bytes.span.extracting(location.value)
            return try? XORRelayedAddress(decoding: value, transactionID: transactionID).address
        }
    }
}

/// A TURN server, a client and a peer on the Internet, with two addresses each.
final class TURNScene {
    let network: SimulatedNetwork
    let host: SimulatedHost
    let server: SimulatedTURNServer
    let clientHost: SimulatedHost
    let peer: Probe
    let peer6: Probe

    init(seed: UInt64 = 8656) throws {
        network = SimulatedNetwork(seed: seed)
        host = network.makeHost("turn", addresses: ["192.0.2.1", "2001:db8::1"])
        server = try SimulatedTURNServer(on: host, users: ["alice": "secret", "bob": "hidden"])
        clientHost = network.makeHost("client", addresses: ["192.0.2.2", "2001:db8::2"])
        let peerHost = network.makeHost("peer", addresses: ["192.0.2.3", "2001:db8::3"])
        peer = try Probe(peerHost, "192.0.2.3:7000")
        peer6 = try Probe(peerHost, "[2001:db8::3]:7000")
    }

    func client(_ local: TransportAddress = "192.0.2.2:5000") throws -> HandmadeTURNClient {
        let server: TransportAddress = local.family == .v4 ? "192.0.2.1:3478" : "[2001:db8::1]:3478"
        return try HandmadeTURNClient(network, udp: clientHost, local, to: server)
    }

    func streamClient() throws -> HandmadeTURNClient {
        try HandmadeTURNClient(network, tcp: clientHost, to: "192.0.2.1:3478")
    }

    func settle() { network.run(for: .milliseconds(1)) }
}

import ICECore
import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

/// A socket of TCP candidates, and what its owner hears.
final class TCPBase {
    let socket: TCPCandidateSocket
    private(set) var datagrams: [[UInt8]] = []
    private(set) var sources: [TransportAddress] = []
    private(set) var endings: [(remote: TransportAddress, code: NetworkError.Code, wasConnected: Bool)] = []
    private(set) var writableCount = 0
    /// Asked before a datagram is noted.
    var onDatagram: ((TransportAddress) -> Void)?

    var address: TransportAddress { socket.localAddress }

    init(_ socket: TCPCandidateSocket) {
        self.socket = socket
        socket.receiveBatches { [weak self] batch, source in
            guard let self else { return }
            onDatagram?(source)
            for index in 0..<batch.count { datagrams.append([UInt8](copying: batch[index])) }
            sources.append(source)
        }
        socket.onDisconnect = { [weak self] in self?.endings.append(($0, $1.code, $2)) }
        socket.onWritable = { [weak self] in self?.writableCount += 1 }
    }

    func send(_ bytes: [UInt8], to destination: TransportAddress) throws(NetworkError) {
        try socket.send(bytes.span, to: destination)
    }

    /// Takes every address that sends as one whose check was authentic.
    func identifiesEverybody() {
        onDatagram = { [weak self] source in _ = self?.socket.claim(source, as: .checkedPeer) }
    }

    func forgetDatagrams() { datagrams = [] }
}

/// Two hosts with an address each, and one with many, from which nothing good comes.
final class TCPScene {
    let network: SimulatedNetwork
    let a: SimulatedHost
    let b: SimulatedHost
    let crowd: SimulatedHost
    static let crowdAddresses = (1...40).compactMap { IPAddress("198.51.100.\($0)") }

    init(seed: UInt64 = 1) {
        network = SimulatedNetwork(seed: seed)
        a = network.makeHost("a", addresses: ["192.0.2.1"])
        b = network.makeHost("b", addresses: ["192.0.2.2"])
        crowd = network.makeHost("crowd", addresses: Self.crowdAddresses)
    }

    func base(
        on host: SimulatedHost, _ type: Candidate.TCPType, ports: ClosedRange<UInt16>? = nil,
        limits: TCPLimits = TCPLimits()
    ) throws -> TCPBase {
        let ip = try #require(host.interface.addresses.first).ip
        return TCPBase(try TCPCandidateSocket(on: host, type, ip: ip, ports: ports, limits: limits))
    }

    /// An active base on a and a passive one on b that have talked, b's side identified.
    func connected(limits: TCPLimits = TCPLimits()) throws -> (active: TCPBase, passive: TCPBase) {
        let active = try base(on: a, .active, limits: limits)
        let passive = try base(on: b, .passive, limits: limits)
        passive.identifiesEverybody()
        try active.send(check, to: passive.address)
        try #require(network.run(until: { passive.datagrams == [check] }, atMost: .seconds(5)))
        try passive.send(check, to: passive.sources[0])
        try #require(network.run(until: { active.datagrams == [check] }, atMost: .seconds(5)))
        active.forgetDatagrams()
        passive.forgetDatagrams()
        return (active, passive)
    }

    /// A bare connection from one of the crowd's addresses.
    func intrude(on target: TCPBase, from index: Int = 0) throws -> Intruder {
        let local = TransportAddress(Self.crowdAddresses[index], port: 0)
        return Intruder(try crowd.connect(to: target.address, from: local))
    }
}

/// A bare connection and how it ended.
final class Intruder {
    let stream: SimulatedStream
    private(set) var ending: NetworkError.Code?

    init(_ stream: SimulatedStream) {
        self.stream = stream
        stream.onClose = { [weak self] in self?.ending = $0.code }
    }

    func write(_ bytes: [UInt8]) { try? stream.write(bytes) }
}

/// What passes for a check as far as a socket looks.
let check = STUNMessage(.request, .binding, transactionID: STUNTransactionID(high: 1, low: 2)).bytes

/// A datagram as it travels on a connection.
func framed(_ datagram: [UInt8]) -> [UInt8] {
    [UInt8(datagram.count >> 8), UInt8(truncatingIfNeeded: datagram.count)] + datagram
}

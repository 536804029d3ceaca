import NetBase
import UV

/// A libuv socket in a multicast group, on every interface there is.
final class GroupSocket: MulticastSocket {
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)? {
        get { socket.onDatagram }
        set { socket.onDatagram = newValue }
    }

    var family: IPAddress.Family { group.family }
    private let group: TransportAddress
    private let socket: UDPSocket
    /// One address of each interface that the group was joined on.
    private var interfaces: [InterfaceAddress] = []

    init(on loop: EventLoop, group: TransportAddress) throws(NetworkError) {
        self.group = group
        socket = try UDPSocket(
            on: loop, boundTo: TransportAddress(.any(group.family), port: group.port), options: .reuseAddress)
        do throws(NetworkError) {
            try socket.setTimeToLive(255)
            try socket.setMulticastLoopback(true)
        } catch {
            socket.close()
            throw error
        }
        refreshInterfaces()
        guard !interfaces.isEmpty else {
            socket.close()
            throw NetworkError(.networkUnreachable, name: "ENETUNREACH", operation: "join \(group.ip)")
        }
    }

    func refreshInterfaces() {
        guard let names = try? NetworkInterfaces.multicastInterfaces(), let all = try? NetworkInterfaces.addresses()
        else { return }
        // One address names an interface of IPv4; the index does for IPv6.
        var present: [InterfaceAddress] = []
        for address in all where address.ip.family == group.family && names.contains(address.interface) {
            if !present.contains(where: { $0.index == address.index }) { present.append(address) }
        }
        for gone in interfaces where !present.contains(gone) { try? socket.leave(group.ip, on: gone) }
        let before = interfaces
        interfaces = present.filter { address in
            if before.contains(address) { return true }
            do throws(NetworkError) {
                try socket.join(group.ip, on: address)
                return true
            } catch {
                // Membership outlives an address that another one has replaced.
                return error.code == .addressInUse
            }
        }
    }

    func sendToGroup(_ bytes: Span<UInt8>) {
        for interface in interfaces {
            guard (try? socket.setMulticastInterface(interface)) != nil else { continue }
            try? socket.send(bytes, to: group)
        }
    }

    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) {
        try? socket.send(bytes, to: destination)
    }

    func close() { socket.close() }
}

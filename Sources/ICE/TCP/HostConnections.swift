import ICECore
import NetBase

/// Connections of an address of this machine.
final class HostConnections: ConnectionSource {
    let localAddress: TransportAddress
    var onConnection: ((any ByteStream, _ isUp: Bool) -> Void)?

    private let platform: any Platform
    private let isActive: Bool
    private var listener: (any StreamListener)?

    /// Those of an IP address, which are taken, but for an active base, on a port of the range or on one that is free.
    ///
    /// Throws what keeps it from listening.
    ///
    /// - Parameter asksServers: Whether STUN servers are to be asked from its port.
    convenience init(
        on platform: any Platform, _ type: Candidate.TCPType, ip: IPAddress, ports: ClosedRange<UInt16>?,
        asksServers: Bool
    ) throws(NetworkError) {
        guard type != .active else {
            self.init(on: platform, at: TransportAddress(ip, port: Candidate.TCPType.activePort), isActive: true, nil)
            return
        }
        let connects = asksServers || type == .simultaneousOpen
        self.init(on: platform, acceptingFrom: try Self.listen(platform, ip, ports, sharesPort: connects))
    }

    /// Those that come to a port that is there already.
    convenience init(on platform: any Platform, acceptingFrom listener: any StreamListener) {
        self.init(on: platform, at: listener.localAddress, isActive: false, listener)
    }

    /// None: they are handed over by somebody who has the port.
    convenience init(on platform: any Platform, at address: TransportAddress) {
        self.init(on: platform, at: address, isActive: false, nil)
    }

    private init(
        on platform: any Platform, at address: TransportAddress, isActive: Bool, _ listener: (any StreamListener)?
    ) {
        self.platform = platform
        self.isActive = isActive
        self.listener = listener
        localAddress = address
        listener?.onConnection = { [weak self] stream in
            guard let onConnection = self?.onConnection else { return stream.close() }
            onConnection(stream, true)
        }
    }

    var isListening: Bool { listener != nil }

    func connect(to destination: TransportAddress) throws(NetworkError) -> (any ByteStream)? {
        let local = TransportAddress(localAddress.ip, port: isActive ? 0 : localAddress.port)
        do throws(NetworkError) {
            return try platform.connectStream(to: destination, from: local, sharesPort: !isActive)
        } catch {
            guard !isActive, error.code == .addressNotAvailable || error.code == .addressInUse else { throw error }
            return nil
        }
    }

    func close() {
        listener?.close()
        (listener, onConnection) = (nil, nil)
    }

    /// Listens on a port of a range, in the order of the attempts that UDP sockets make, too.
    private static func listen(
        _ platform: any Platform, _ ip: IPAddress, _ ports: ClosedRange<UInt16>?, sharesPort: Bool
    ) throws(NetworkError) -> any StreamListener {
        guard let ports else {
            return try platform.listenForStreams(on: TransportAddress(ip, port: 0), sharesPort: sharesPort)
        }
        var fault = NetworkError(.invalidArgument, name: "EINVAL", operation: "listen on \(ip) at a port of \(ports)")
        for port in ICEClient.ports(in: ports, using: platform.makeRandomNumberGenerator()) {
            do throws(NetworkError) {
                return try platform.listenForStreams(on: TransportAddress(ip, port: port), sharesPort: sharesPort)
            } catch {
                guard error.code == .addressInUse || error.code == .notPermitted else { throw error }
                fault = error
            }
        }
        throw fault
    }
}

import NetBase

/// A client's place on a shared port: the names that checks ask for it by, and its share of each socket.
final class PortMember {
    /// Nil once the client has left.
    private(set) var port: SharedPort?
    let isLite: Bool
    var owner: ClientReference?
    private(set) var names: [String] = []
    private(set) var views: [PortView] = []
    private var connections: [(listener: SharedListener, socket: TCPCandidateSocket)] = []

    init(of port: SharedPort, isLite: Bool) {
        self.port = port
        self.isLite = isLite
    }

    /// Whether the client's peer has not been heard of for a while, so that its addresses may be somebody else's by now.
    var isSilent: Bool {
        switch owner?.client?.state {
        case .disconnected, .failed, .closed, nil: true
        default: false
        }
    }

    /// Takes the username fragments that checks may name, the present one first, and gives others back; false where another client of the
    /// port has the present one.
    func take(_ wanted: [String]) -> Bool {
        for name in names where !wanted.contains(name) { port?.leave(as: name) }
        names = wanted.filter { names.contains($0) || port?.enter(self, as: $0) == true }
        return names.first == wanted.first
    }

    /// A view of the port's socket on an address.
    func makeView(on ip: IPAddress) throws(NetworkError) -> PortView {
        guard let port else {
            throw NetworkError(.closed, name: "EBADF", operation: "open \(ip) on a port that was left")
        }
        let socket = try port.socket(on: ip)
        guard view(of: socket) == nil else {
            throw NetworkError(
                .addressInUse, name: "EADDRINUSE",
                operation: "open a second component on a shared port, which has room for one: use rtcp-mux")
        }
        let view = PortView(of: socket, for: self)
        views.append(view)
        return view
    }

    /// The base of a passive TCP candidate on an address of the port.
    func makeConnections(on ip: IPAddress) throws(NetworkError) -> TCPCandidateSocket {
        guard let port else {
            throw NetworkError(.closed, name: "EBADF", operation: "open \(ip) on a port that was left")
        }
        let listener = try port.listener(on: ip)
        let socket = TCPCandidateSocket(on: port.platform, at: listener.localAddress)
        connections.removeAll { $0.listener === listener && $0.socket.isClosed }
        connections.append((listener, socket))
        return socket
    }

    /// Who takes the client's connections on an address of the port.
    func connections(of listener: SharedListener) -> TCPCandidateSocket? {
        connections.last { $0.listener === listener && !$0.socket.isClosed }?.socket
    }

    /// How many of the client's connections have yet to show an authentic check.
    var waitingCount: Int { connections.reduce(0) { $0 + $1.socket.connections.unidentified.count } }

    func view(of socket: SharedSocket) -> PortView? { views.first { $0.socket === socket } }

    func forget(_ view: PortView) { views.removeAll { $0 === view } }

    /// Gives all back.
    func leave() {
        for name in names { port?.leave(as: name) }
        names = []
        for view in views { view.close() }
        for (_, socket) in connections { socket.close() }
        connections = []
        port = nil
    }
}

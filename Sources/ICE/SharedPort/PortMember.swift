import NetBase

/// A client's place on a shared port: the name that checks ask for it by, and its share of each socket.
final class PortMember {
    let port: SharedPort
    weak var client: ICEClient?
    private(set) var name: String?
    private(set) var views: [PortView] = []

    init(of port: SharedPort) { self.port = port }

    /// Whether the client's peer has not been heard of for a while, so that its addresses may be somebody else's by now.
    var isSilent: Bool {
        switch client?.state {
        case .disconnected, .failed, .closed, nil: true
        default: false
        }
    }

    /// Takes a username fragment; false where another client of the port has it.
    @discardableResult
    func take(_ name: String) -> Bool {
        guard name != self.name else { return true }
        guard port.enter(self, as: name) else { return false }
        if let former = self.name { port.leave(as: former) }
        self.name = name
        return true
    }

    /// A view of the port's socket on an address.
    func makeView(on ip: IPAddress) throws(NetworkError) -> PortView {
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

    func view(of socket: SharedSocket) -> PortView? { views.first { $0.socket === socket } }

    func forget(_ view: PortView) { views.removeAll { $0 === view } }

    /// Gives all back.
    func leave() {
        if let name { port.leave(as: name) }
        name = nil
        for view in views { view.close() }
    }
}

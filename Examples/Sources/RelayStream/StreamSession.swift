import Foundation
import ICE

/// What a TURN client does and hears from the allocation to the end of one connection.
final class StreamSession {
    enum Wish {
        case connect(TransportAddress)
        case accept(IPAddress)

        var family: IPAddress.Family {
            switch self {
            case .connect(let peer): peer.family
            case .accept(let peer): peer.family
            }
        }
    }

    enum End {
        case over
        case failed(String)
    }

    private let client: TURNClient
    private let wish: Wish
    private let input: StandardInput
    private var connection: TURNConnection?
    private var wasConnected = false
    /// Nil while there is something to do.
    private(set) var end: End?

    init(client: TURNClient, wish: Wish, loop: EventLoop) throws {
        self.client = client
        self.wish = wish
        input = try StandardInput(on: loop)
    }

    func start() {
        client.onAllocate = { [unowned self] _ in
            switch wish {
            case .connect(let peer): adopt(client.connect(to: peer))
            case .accept(let peer): client.createPermission(for: peer)
            }
        }
        // Not sooner: the server turns away who connects before it has the permission.
        client.onCreatePermission = { [unowned self] peer in
            guard connection == nil else { return }
            for relayed in client.allocation?.relayedAddresses ?? [] { tell("waiting for \(peer) at \(relayed)") }
        }
        client.onConnectionAttempt = { [unowned self] attempt in
            guard connection == nil, let accepted = attempt.accept() else { return attempt.refuse() }
            adopt(accepted)
        }
        client.onAllocationLost = { [unowned self] error in fail("\(error)") }
        client.onResponseError = { [unowned self] method, code, reason in
            fail("\(method): \(code) \(reason)\(Self.advice(on: code))")
        }
        client.onError = { [unowned self] error in fail("\(error)") }
        client.allocate()
    }

    private func adopt(_ connection: TURNConnection) {
        self.connection = connection
        connection.onConnect = { [unowned self, unowned connection] in
            wasConnected = true
            tell("connected with \(connection.peer)")
            input.start { [unowned connection] bytes in (try? connection.send(bytes)) != nil }
        }
        // It waits where nobody reads, and the peer with it.
        connection.onData = { bytes in FileHandle.standardOutput.write(Data([UInt8](copying: bytes))) }
        connection.onWritable = { [unowned self] in input.goOn() }
        connection.onClose = { [unowned self] error in
            guard wasConnected else { return fail("\(error)") }
            tell(error.message)
            end = end ?? .over
        }
    }

    private static func advice(on code: Int) -> String {
        switch code {
        case 401, 441: "; check --user and --password"
        case 403: "; the server's rules forbid it: ask its operator"
        case 442: "; the server relays no TCP: of coturn's settings leave no-tcp-relay out, or use another server"
        case 486, 508: "; the server has no relay to give now: try again later"
        default: ""
        }
    }

    private func fail(_ reason: String) { end = end ?? .failed(reason) }
}

import FlyingFox
import FlyingSocks
import Foundation
import ICE

/// The HTTP server: the files of the page, and a WebSocket for each page that is open.
struct PageServer: Sendable {
    typealias Outbox = AsyncStream<WSMessage>.Continuation

    /// What the loop hears of.
    enum Event: Sendable {
        case listening(String)
        /// What goes into the outbox is sent to the page; its end closes the WebSocket.
        case opened(UUID, Outbox)
        /// The page's next message is read when the continuation is resumed, which has to be done once.
        case heard(UUID, String, CheckedContinuation<Void, Never>)
        case closed(UUID)
        case failed(String)
    }

    private let server: HTTPServer
    private let name: String
    private let events: Mailbox<Event>.Sender

    /// So many seconds there are for a body that is read only to be refused.
    private static let longestRequest = 600.0

    private static let files = [
        ("/", "index.html", "text/html"), ("/style.css", "style.css", "text/css"),
        ("/page.js", "page.js", "text/javascript"),
        ("/view.js", "view.js", "text/javascript"),
    ]

    /// - Parameter name: The address as the user has written it.
    init(listening address: any SocketAddress, named name: String, events: Mailbox<Event>.Sender) {
        self.name = name
        server = HTTPServer(config: .init(address: address, timeout: Self.longestRequest, logger: .disabled))
        self.events = events
    }

    func run() async {
        let folder = Bundle.module.bundleURL.appendingPathComponent("Page")
        for (path, file, type) in Self.files {
            await server.appendRoute(
                HTTPRoute("GET \(path)"),
                to: FileHTTPHandler(path: folder.appendingPathComponent(file), contentType: "\(type); charset=utf-8"))
        }
        await server.appendRoute("GET /socket", to: OwnPages(socket: .webSocket(PageSocket(events: events))))
        // FlyingFox takes what is left of a body for the next request, with an Origin of its own: nothing is left of any.
        await server.appendRoute("*") { request in
            for try await _ in request.bodySequence {}
            return HTTPResponse(statusCode: .notFound)
        }
        let announcement = Task {
            try await server.waitUntilListening()
            guard let address = await server.listeningAddress else { return }
            events.send(.listening("http://\(address.authority)"))
        }
        do {
            try await server.run()
        } catch SocketError.failed(_, EADDRINUSE, _) {
            announcement.cancel()
            events.send(.failed("\(name) is taken: give another port with --listen"))
        } catch {
            announcement.cancel()
            events.send(.failed("the page can't be served any more: \(error)"))
        }
    }
}

/// Lets nobody but the pages of this server open a WebSocket: a browser lets any page try. A name may be made to lead here by whoever owns
/// it (DNS rebinding), and is then the same in both headers: what is asked for has to be an address, or localhost.
private struct OwnPages: HTTPHandler {
    let socket: WebSocketHTTPHandler

    private func isAddress(_ host: String) -> Bool {
        let name = host.replacing(/:[0-9]+$/, with: "")
        return name == "localhost" || TransportAddress("\(name):1") != nil
    }

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let host = request.headers[.host], isAddress(host),
            request.headers[HTTPHeader("Origin")] == "http://\(host)"
        else {
            return HTTPResponse(statusCode: .forbidden, body: Data("only for the page of this server\n".utf8))
        }
        return try await socket.handleRequest(request)
    }
}

private struct PageSocket: WSMessageHandler {
    let events: Mailbox<PageServer.Event>.Sender

    /// So many messages may wait for a page; one that reads none is closed.
    private static let outboxLimit = 256
    /// What a page says is an offer at most. FlyingFox itself takes frames of any length, so that this bounds what is passed on to the
    /// loop, and not what a page can make this process read.
    private static let longestMessage = 65_536

    func makeMessages(for client: AsyncStream<WSMessage>) async throws -> AsyncStream<WSMessage> {
        let (messages, outbox) = AsyncStream<WSMessage>.makeStream(bufferingPolicy: .bufferingOldest(Self.outboxLimit))
        let id = UUID()
        events.send(.opened(id, outbox))
        Task {
            for await message in client {
                guard case .text(let text) = message, text.utf8.count <= Self.longestMessage else { continue }
                // The next one is read when the loop has taken this one: what waits there is one message for each page.
                await withCheckedContinuation { taken in
                    events.send(.heard(id, text, taken))
                }
            }
            // It has ended, whether the page has said so or is simply gone.
            events.send(.closed(id))
        }
        return messages
    }
}

extension Socket.Address {
    /// As in a URL.
    fileprivate var authority: String {
        switch self {
        case .ip4(let ip, let port): "\(ip):\(port)"
        case .ip6(let ip, let port): "[\(ip)]:\(port)"
        case .unix(let path): path
        }
    }
}

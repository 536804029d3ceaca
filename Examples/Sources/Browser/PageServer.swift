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
        case heard(UUID, String)
        case closed(UUID)
        case failed(String)
    }

    private let server: HTTPServer
    private let events: Mailbox<Event>.Sender

    private static let files = [
        ("/", "index.html", "text/html"), ("/style.css", "style.css", "text/css"),
        ("/page.js", "page.js", "text/javascript"),
        ("/view.js", "view.js", "text/javascript"),
    ]

    init(listening address: any SocketAddress, events: Mailbox<Event>.Sender) {
        server = HTTPServer(config: .init(address: address, logger: .disabled))
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
        let announcement = Task {
            try await server.waitUntilListening()
            guard let address = await server.listeningAddress else { return }
            events.send(.listening("http://\(address.authority)"))
        }
        do {
            try await server.run()
        } catch {
            announcement.cancel()
            events.send(.failed("the page can't be served any more: \(error)"))
        }
    }
}

/// Lets nobody but the pages of this server open a WebSocket: a browser lets any page try.
private struct OwnPages: HTTPHandler {
    let socket: WebSocketHTTPHandler

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let host = request.headers[.host], request.headers[HTTPHeader("Origin")] == "http://\(host)" else {
            return HTTPResponse(statusCode: .forbidden, body: Data("only for the page of this server\n".utf8))
        }
        return try await socket.handleRequest(request)
    }
}

private struct PageSocket: WSMessageHandler {
    let events: Mailbox<PageServer.Event>.Sender

    func makeMessages(for client: AsyncStream<WSMessage>) async throws -> AsyncStream<WSMessage> {
        let (messages, outbox) = AsyncStream<WSMessage>.makeStream()
        let id = UUID()
        events.send(.opened(id, outbox))
        Task {
            for await message in client {
                if case .text(let text) = message { events.send(.heard(id, text)) }
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

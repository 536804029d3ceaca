import FlyingFox
import FlyingSocks
import Foundation
import ICE

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A signalling channel over HTTP: a server for what the peer says, and a client that posts what it is to hear, in order.
///
/// Both run as tasks, on threads of their own; the loop hears of them by its mailbox. Nothing here is encrypted, and nobody is asked who
/// they are: that is for a loopback interface, or a network that you trust.
final class HTTPSignalling: Sendable {
    enum Event: Sendable {
        case listening(String)
        case heard(Signal)
        case failed(String)
        /// Everything is sent and answered.
        case closed
    }

    private let server: HTTPServer
    private let name: String
    private let peer: URL
    private let patience: Duration
    private let events: Mailbox<Event>.Sender
    private let signals: AsyncStream<Signal>
    private let outbox: AsyncStream<Signal>.Continuation

    /// - Parameters:
    ///   - name: The address as the user has written it.
    ///   - patience: How long a peer that can't be reached is tried again.
    init(
        listening address: any SocketAddress, named name: String, peer: URL, patience: Duration,
        events: Mailbox<Event>.Sender
    ) {
        self.name = name
        server = HTTPServer(
            config: .init(
                address: address, timeout: Self.longestRequest, sharedRequestReplaySize: Self.longestBody,
                logger: .disabled))
        self.peer = peer
        self.patience = patience
        self.events = events
        (signals, outbox) = AsyncStream.makeStream()
        Task { await run() }
    }

    /// Tells the peer something, after what it was told before.
    func tell(_ signal: Signal) { outbox.yield(signal) }

    /// Ends the channel once all is told; `closed` follows.
    func close() { outbox.finish() }

    private func run() async {
        for kind in Signal.Kind.allCases {
            await server.appendRoute(HTTPRoute("POST /\(kind.rawValue)")) { [events] request in
                do {
                    try Self.check(request)
                    events.send(.heard(try Signal(kind, json: try await request.bodyData)))
                    return HTTPResponse(statusCode: .noContent)
                } catch let refusal as Refusal {
                    // Read, and not kept: FlyingFox takes what is left of a body for the next request, with headers of its own.
                    for try await _ in request.bodySequence {}
                    return HTTPResponse(statusCode: refusal.status, body: Data("\(refusal.reason)\n".utf8))
                } catch {
                    return HTTPResponse(statusCode: .badRequest, body: Data("\(error)\n".utf8))
                }
            }
        }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.serve() }
            tasks.addTask { await self.post() }
        }
        events.send(.closed)
    }

    private struct Refusal: Error {
        let status: HTTPStatusCode
        let reason: String
    }

    private static let longestBody = 65_536
    /// So many seconds there are for a body that is read only to be refused.
    private static let longestRequest = 600.0

    /// Refuses what is not looked at. A browser lets any page post text here, but JSON only where the server says that it may, which this
    /// one does not.
    private static func check(_ request: HTTPRequest) throws(Refusal) {
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased()
        guard type?.trimmingCharacters(in: .whitespaces) == "application/json" else {
            throw Refusal(status: .unsupportedMediaType, reason: "signals are application/json")
        }
        // A body in chunks has no length that could be looked at before.
        guard let length = request.headers[.contentLength].flatMap(Int.init) else {
            throw Refusal(status: .lengthRequired, reason: "signals need a Content-Length")
        }
        guard length <= longestBody else {
            throw Refusal(status: .payloadTooLarge, reason: "signals are of \(longestBody) bytes at most")
        }
    }

    private func serve() async {
        do {
            try await server.run()
        } catch SocketError.failed(_, EADDRINUSE, _) {
            events.send(.failed("\(name) is taken: give another port with --listen"))
        } catch {
            // After close() too, when nobody cares.
            events.send(.failed("the server for the peer's signals has ended: \(error)"))
        }
    }

    private func post() async {
        do {
            try await server.waitUntilListening()
            guard let address = await server.listeningAddress else { return }
            events.send(.listening("http://\(address.authority)"))
            for await signal in signals { try await post(signal) }
        } catch {
            events.send(.failed((error as? CallFailed)?.reason ?? "\(error)"))
        }
        // Not at once: the peer may still wait for the answer to its last request.
        await server.stop(timeout: 0.5)
    }

    /// Tries until the peer is there.
    private func post(_ signal: Signal) async throws {
        var request = URLRequest(url: peer.appendingPathComponent(signal.kind.rawValue))
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        // A connection that is kept for more would keep the peer's server from ending.
        request.setValue("close", forHTTPHeaderField: "Connection")
        request.httpBody = try signal.json()
        request.timeoutInterval = 10
        let clock = ContinuousClock()
        let giveUpAt = clock.now + patience
        while true {
            do {
                let (body, response) = try await URLSession.shared.data(for: request)
                let status = (response as? HTTPURLResponse)?.statusCode ?? 0
                guard 200..<300 ~= status else {
                    // Somebody else's server may answer with a whole page.
                    let lines = String(decoding: body.prefix(2000), as: UTF8.self).split(whereSeparator: \.isNewline)
                    let reason = (lines.first ?? "").prefix(200)
                    throw CallFailed(reason: "\(peer) has answered \(signal.kind) with \(status) \(reason)")
                }
                return
            } catch let error as URLError {
                guard clock.now < giveUpAt else {
                    throw CallFailed(reason: "no peer at \(peer) for \(patience): \(error.localizedDescription)")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}

// MARK: - Signals as requests

extension Signal {
    /// The path that it is posted to.
    enum Kind: String, CaseIterable {
        case parameters, candidate, goodbye
    }

    var kind: Kind {
        switch self {
        case .parameters: .parameters
        case .candidate: .candidate
        case .goodbye: .goodbye
        }
    }

    init(_ kind: Kind, json: Data) throws {
        switch kind {
        case .parameters: self = .parameters(try JSONDecoder().decode(ICEParameters.self, from: json))
        case .candidate: self = .candidate(try JSONDecoder().decode(SignalledCandidate.self, from: json))
        case .goodbye: self = .goodbye
        }
    }

    func json() throws -> Data {
        switch self {
        case .parameters(let parameters): try JSONEncoder().encode(parameters)
        case .candidate(let candidate): try JSONEncoder().encode(candidate)
        case .goodbye: Data("{}".utf8)
        }
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

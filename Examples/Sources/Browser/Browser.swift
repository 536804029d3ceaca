import ArgumentParser
import FlyingSocks
import Foundation
import ICE

/// Serves a page whose peer connection calls an ICE client of this process; each page that is opened gets a client of its own.
@main
struct Browser: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "browser",
        abstract: "Serves a web page that calls an ICE client of this process, and shows both sides.",
        discussion: """
            Open the URL that is printed. A browser hides its addresses behind names of multicast DNS, which are looked up on the local \
            network; --mdns hides those of this machine likewise. There is no data channel: that needs DTLS and SCTP. With --listen \
            0.0.0.0:8080 a browser on another machine can open the page; nothing is encrypted, and nobody is asked who they are.
            """)

    @Option(help: ArgumentHelp("Where to serve the page; port 0 is any free one.", valueName: "address:port"))
    var listen = "127.0.0.1:0"
    @Flag(help: "Tell local addresses as names of multicast DNS, as the browser does.") var mdns = false

    func validate() throws { _ = try listeningAddress() }

    private func listeningAddress() throws -> any SocketAddress {
        guard let address = TransportAddress(listen) else {
            throw ValidationError("--listen takes an address and a port, such as 127.0.0.1:0 or [::1]:8080.")
        }
        return address.family == .v4
            ? try .inet(ip4: "\(address.ip)", port: address.port) : try .inet6(ip6: "\(address.ip)", port: address.port)
    }

    func run() throws {
        let loop = try EventLoop()
        var configuration = ICEConfiguration(role: .controlled)
        if mdns { configuration.multicastDNS = .publish }
        let pages = Pages(loop: loop, configuration: configuration)
        let mailbox = try Mailbox<PageServer.Event>(on: loop)
        var failure: String?
        mailbox.onMessage = { event in
            switch event {
            case .listening(let url): show("Open \(url)/ in a browser.")
            case .opened(let id, let outbox): pages.open(id, outbox)
            case .heard(let id, let text, let taken):
                pages[id]?.hear(text)
                taken.resume()
            case .closed(let id): pages.close(id)
            case .failed(let reason):
                failure = reason
                loop.stop()
            }
        }
        // Its tasks run on threads of their own, and this one belongs to the loop.
        let server = PageServer(listening: try listeningAddress(), named: listen, events: mailbox.sender)
        Task { await server.run() }
        loop.run()
        if let failure { throw ServerFailed(description: failure) }
    }
}

struct ServerFailed: Error, CustomStringConvertible {
    let description: String
}

/// Prints a line, at once: whoever reads it may be another program.
func show(_ line: String) {
    print(line)
    fflush(nil)
}

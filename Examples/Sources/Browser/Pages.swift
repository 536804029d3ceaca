import Foundation
import ICE

/// The pages that are open, each with its ICE client; all of them live on the loop.
final class Pages {
    private let loop: EventLoop
    private let configuration: ICEConfiguration
    private var pages: [UUID: Page] = [:]
    private var opened = 0

    private static let maximum = 64

    init(loop: EventLoop, configuration: ICEConfiguration) {
        self.loop = loop
        self.configuration = configuration
    }

    subscript(id: UUID) -> Page? { pages[id] }

    func open(_ id: UUID, _ outbox: PageServer.Outbox) {
        guard pages.count < Self.maximum else {
            PageMessage.error("\(Self.maximum) pages are open, which is enough: close one").send(to: outbox)
            outbox.finish()
            return
        }
        opened += 1
        pages[id] = Page(number: opened, loop: loop, configuration: configuration, outbox: outbox)
    }

    func close(_ id: UUID) {
        pages.removeValue(forKey: id)?.close()
    }
}

import Dispatch
import Foundation

/// Hears that the user wants to end (Ctrl-C), so that the other side can be told; a second time ends at once.
final class Interrupt {
    private let source: any DispatchSourceSignal

    init(_ handler: @escaping @Sendable () -> Void) {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler {
            signal(SIGINT, SIG_DFL)
            handler()
        }
        source.resume()
    }

    func close() { source.cancel() }
}

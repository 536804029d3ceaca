import Dispatch
import Foundation

/// Hears that the user wants to end (Ctrl-C, or SIGTERM), so that the other side can be told; a second time ends at once.
final class Interrupt {
    private let sources: [any DispatchSourceSignal]

    init(_ handler: @escaping @Sendable () -> Void) {
        let numbers = [SIGINT, SIGTERM]
        sources = numbers.map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                for number in numbers { _ = signal(number, SIG_DFL) }
                handler()
            }
            source.resume()
            return source
        }
    }

    func close() { sources.forEach { $0.cancel() } }
}

import Logging

extension Logger {
    /// What a client has that is given no logger.
    static let silent = Logger(label: "swift-ice") { _ in SwiftLogNoOpLogHandler() }
}

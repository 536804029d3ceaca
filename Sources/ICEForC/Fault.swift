import CSwiftICE
import ICE

/// Why a call came to nothing: the code that C gets, and the words that it may ask for.
struct Fault: Error {
    let status: Status
    let message: String

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// What the library threw.
    init(_ error: any Error) {
        switch error {
        case let fault as Fault: self = fault
        case let error as ICEError: self.init(Status(error.code), error.message)
        case let error as ICESyntaxError: self.init(.malformed, error.message)
        case let error as NetworkError: self.init(.system, error.description)
        default: self.init(.other, "\(error)")
        }
    }
}

/// What a function returns, in the header's numbers.
struct Status: Hashable {
    let rawValue: Int32

    private init(_ number: Int) { rawValue = Int32(number) }

    static let ok = Status(SWIFT_ICE_OK)
    static let invalidArgument = Status(SWIFT_ICE_INVALID_ARGUMENT)
    static let closed = Status(SWIFT_ICE_CLOSED)
    static let notConnected = Status(SWIFT_ICE_NOT_CONNECTED)
    static let wouldBlock = Status(SWIFT_ICE_WOULD_BLOCK)
    static let messageTooLarge = Status(SWIFT_ICE_MESSAGE_TOO_LARGE)
    static let remoteParametersAlreadySet = Status(SWIFT_ICE_REMOTE_PARAMETERS_ALREADY_SET)
    static let malformed = Status(SWIFT_ICE_MALFORMED)
    static let system = Status(SWIFT_ICE_SYSTEM)
    static let other = Status(SWIFT_ICE_OTHER)

    init(_ code: ICEError.Code) {
        self =
            switch code {
            case .closed: .closed
            case .notConnected: .notConnected
            case .wouldBlock: .wouldBlock
            case .messageTooLarge: .messageTooLarge
            case .remoteParametersAlreadySet: .remoteParametersAlreadySet
            case .malformedCandidate: .malformed
            default: .other
            }
    }

    /// The names, as they are told to people.
    static func name(_ number: Int32) -> StaticString {
        switch number {
        case ok.rawValue: "ok"
        case invalidArgument.rawValue: "invalid-argument"
        case closed.rawValue: "closed"
        case notConnected.rawValue: "not-connected"
        case wouldBlock.rawValue: "would-block"
        case messageTooLarge.rawValue: "message-too-large"
        case remoteParametersAlreadySet.rawValue: "remote-parameters-already-set"
        case malformed.rawValue: "malformed"
        case system.rawValue: "system"
        default: "other"
        }
    }
}

extension ICEState {
    /// The header's number.
    var number: Int32 {
        let number =
            switch self {
            case .new: SWIFT_ICE_STATE_NEW
            case .checking: SWIFT_ICE_STATE_CHECKING
            case .connected: SWIFT_ICE_STATE_CONNECTED
            case .completed: SWIFT_ICE_STATE_COMPLETED
            case .disconnected: SWIFT_ICE_STATE_DISCONNECTED
            case .failed: SWIFT_ICE_STATE_FAILED
            case .closed: SWIFT_ICE_STATE_CLOSED
            }
        return Int32(number)
    }

    static func name(_ number: Int32) -> StaticString {
        switch allCases.first(where: { $0.number == number }) {
        case .new: "new"
        case .checking: "checking"
        case .connected: "connected"
        case .completed: "completed"
        case .disconnected: "disconnected"
        case .failed: "failed"
        case .closed: "closed"
        case nil: "unknown"
        }
    }
}

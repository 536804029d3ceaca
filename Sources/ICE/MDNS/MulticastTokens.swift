import MDNS
import NetBase

/// A name that is being looked up for one client.
final class MulticastLookUp: Cancellable {
    let name: MulticastName
    let client: MDNSCore.ClientID
    private var responder: MDNSResponder?
    private var onResult: ((Result<IPAddress, MDNSFailure>) -> Void)?

    init(
        _ name: MulticastName, for client: MDNSCore.ClientID, by responder: MDNSResponder,
        _ onResult: @escaping (Result<IPAddress, MDNSFailure>) -> Void
    ) {
        self.name = name
        self.client = client
        self.responder = responder
        self.onResult = onResult
    }

    func cancel() {
        onResult = nil
        responder?.cancel(self)
        responder = nil
    }

    func finish(with result: Result<IPAddress, MDNSFailure>) {
        let closure = onResult
        (onResult, responder) = (nil, nil)
        closure?(result)
    }
}

/// A name that is answered for.
final class MulticastPublication: Cancellable {
    let name: MulticastName
    private var responder: MDNSResponder?

    init(_ name: MulticastName, by responder: MDNSResponder) {
        self.name = name
        self.responder = responder
    }

    deinit { cancel() }

    func cancel() {
        responder?.unpublish(name)
        responder = nil
    }
}

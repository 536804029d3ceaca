/// Leads to a client for as long as there is one, and does not keep it.
///
/// The first weak reference to an object makes a record beside it, through which the object is retained and released from then on: for each
/// datagram that is 8 % of what receiving it costs. A client tells this object instead when it goes, or is closed.
///
/// All of it belongs on the loop's thread. A client that is closed there, as an actor's is, may be let go on any.
@safe
final class ClientReference {
    private unowned(unsafe) var target: ICEClient?

    /// The client; nil once it is gone.
    var client: ICEClient? { unsafe target }

    /// A client is there, and has this ended before it goes.
    func begin(_ client: ICEClient) { unsafe target = client }

    func end() { unsafe target = nil }
}

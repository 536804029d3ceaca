import CHiredis
import Foundation
import ICE

/// A connection to a Redis server, the only place where hiredis is called.
///
/// Memory: hiredis frees its context by itself, after the call of `connected` with an error, or of `disconnected`. Until then the context
/// owns this object, and `context` is nil from then on. Nothing here is `Sendable`: hiredis calls on the thread of the loop, as all else
/// does. No closure is called from inside of hiredis, but on a later turn, so that any of them may close the connection.
@safe
final class RedisConnection {
    enum Event {
        case opened
        case subscribed
        case message(String)
        case closed(reason: String)
    }

    private let loop: EventLoop
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private var onEvent: ((Event) -> Void)?
    private var awaitedSubscriptions = 0

    /// Begins to connect to an IP address; hiredis would look a name up while the whole loop waits.
    init(on loop: SharedLoop, to address: TransportAddress, onEvent: @escaping (Event) -> Void) throws(RoomError) {
        self.loop = loop.events
        guard let context = unsafe redisAsyncConnect(address.ip.description, Int32(address.port)) else {
            throw RoomError("hiredis is out of memory")
        }
        guard unsafe context.pointee.err == 0, unsafe redisLibuvAttach(context, loop.pointer) == REDIS_OK else {
            let reason = unsafe copy(of: context.pointee.errstr)
            unsafe redisAsyncFree(context)
            throw RoomError(reason)
        }
        self.onEvent = onEvent
        unsafe self.context = unsafe context
        unsafe context.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe redisAsyncSetConnectCallback(context, connected)
        unsafe redisAsyncSetDisconnectCallback(context, disconnected)
        // A peer that is gone without a word would otherwise be waited for by a subscription for good.
        unsafe redisEnableKeepAlive(&context.pointee.c)
    }

    /// Sends a command; the closure gets the reply unless the connection ends first.
    func send(_ words: [String], onReply: ((RedisReply) -> Void)? = nil) {
        let pending = unsafe Unmanaged.passRetained(PendingReply(loop: loop, onReply: onReply))
        if unsafe !issue(words, replied, pending.toOpaque()) { unsafe pending.release() }
    }

    /// Listens to channels; the connection is of no other use from then on.
    func subscribe(to channels: [String]) {
        awaitedSubscriptions = channels.count
        // Called for every message, and a last time before the context lets go of this object.
        _ = unsafe issue(["SUBSCRIBE"] + channels, published, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Ends the connection; no event comes after this. Replies that are awaited are dropped.
    func close() {
        onEvent = nil
        guard let context = unsafe context else { return }
        let isConnected = unsafe context.pointee.c.flags & REDIS_CONNECTED != 0
        unsafe redisAsyncFree(context)
        // hiredis tells the end of what was connected only.
        if !isConnected { contextIsGone() }
    }

    private func issue(_ words: [String], _ callback: ReplyCallback, _ data: UnsafeMutableRawPointer) -> Bool {
        guard let context = unsafe context else { return false }
        // hiredis copies the words before it returns.
        let copies = unsafe words.map { unsafe UnsafePointer(strdup($0)) }
        defer { unsafe copies.forEach { unsafe free(UnsafeMutableRawPointer(mutating: $0)) } }
        var arguments = unsafe copies
        return unsafe redisAsyncCommandArgv(context, callback, data, Int32(words.count), &arguments, nil) == REDIS_OK
    }

    fileprivate func tell(_ event: Event) {
        loop.enqueue { [weak self] in self?.onEvent?(event) }
    }

    fileprivate func contextIsGone() {
        guard unsafe context != nil else { return }
        unsafe context = nil
        unsafe Unmanaged.passUnretained(self).release()
    }

    fileprivate func take(_ reply: RedisReply) {
        if case .error(let reason) = reply { return tell(.closed(reason: reason)) }
        guard case .array(let parts) = reply, parts.count == 3 else { return }
        if case .text("message") = parts[0], case .text(let message) = parts[2] { return tell(.message(message)) }
        awaitedSubscriptions -= 1
        if awaitedSubscriptions == 0 { tell(.subscribed) }
    }
}

/// What a command is answered with.
enum RedisReply {
    case text(String)
    case number(Int)
    case array([RedisReply])
    case error(String)
    case none
}

/// Who waits for a reply: hiredis' until its one callback.
private final class PendingReply {
    let loop: EventLoop
    let onReply: ((RedisReply) -> Void)?

    init(loop: EventLoop, onReply: ((RedisReply) -> Void)?) {
        self.loop = loop
        self.onReply = onReply
    }
}

// MARK: - What hiredis calls

private typealias ReplyCallback =
    @convention(c) (UnsafeMutablePointer<redisAsyncContext>?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) ->
    Void

private func connected(_ context: UnsafePointer<redisAsyncContext>?, status: Int32) {
    guard let context = unsafe context else { return }
    let connection = unsafe connection(of: context)
    guard status != REDIS_OK else { return connection.tell(.opened) }
    connection.tell(.closed(reason: unsafe copy(of: context.pointee.errstr)))
    connection.contextIsGone()
}

private func disconnected(_ context: UnsafePointer<redisAsyncContext>?, status: Int32) {
    guard let context = unsafe context else { return }
    let connection = unsafe connection(of: context)
    connection.tell(.closed(reason: unsafe copy(of: context.pointee.errstr)))
    connection.contextIsGone()
}

private func replied(
    _: UnsafeMutablePointer<redisAsyncContext>?, reply: UnsafeMutableRawPointer?, data: UnsafeMutableRawPointer?
) {
    guard let data = unsafe data else { return }
    let pending = unsafe Unmanaged<PendingReply>.fromOpaque(data).takeRetainedValue()
    guard let reply = unsafe RedisReply(reply), let onReply = pending.onReply else { return }
    pending.loop.enqueue { onReply(reply) }
}

private func published(
    _: UnsafeMutablePointer<redisAsyncContext>?, reply: UnsafeMutableRawPointer?, data: UnsafeMutableRawPointer?
) {
    guard let data = unsafe data, let reply = unsafe RedisReply(reply) else { return }
    unsafe Unmanaged<RedisConnection>.fromOpaque(data).takeUnretainedValue().take(reply)
}

private func connection(of context: UnsafePointer<redisAsyncContext>) -> RedisConnection {
    unsafe Unmanaged<RedisConnection>.fromOpaque(context.pointee.data).takeUnretainedValue()
}

private func copy(of string: UnsafePointer<CChar>?) -> String {
    unsafe string.map { unsafe String(cString: $0) } ?? ""
}

extension RedisReply {
    /// A copy of a reply, which hiredis frees after the callback; nil at the end of a connection.
    fileprivate init?(_ reply: UnsafeMutableRawPointer?) {
        guard let reply = unsafe reply?.assumingMemoryBound(to: redisReply.self).pointee else { return nil }
        switch unsafe reply.type {
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .text(unsafe copy(of: reply.str))
        case REDIS_REPLY_ERROR: self = .error(unsafe copy(of: reply.str))
        case REDIS_REPLY_INTEGER: self = .number(Int(unsafe reply.integer))
        case REDIS_REPLY_ARRAY:
            let count = unsafe reply.elements
            self = .array((0..<count).map { unsafe RedisReply(reply.element[$0]) ?? .none })
        default: self = .none
        }
    }
}

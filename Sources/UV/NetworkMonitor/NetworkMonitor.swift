import CLibUV
public import NetBase

/// Watches the machine's interfaces, addresses and default routes.
///
/// ```swift
/// let monitor = try NetworkMonitor(on: loop) { changes in for change in changes { print(change) } }
/// print(monitor.snapshot.addresses)
/// ```
///
/// On Linux the kernel tells of every change at once (rtnetlink(7)). Elsewhere, and where the process may not listen to it, the
/// addresses are looked at every two seconds and routes are not known.
///
/// An open monitor keeps `run()` from returning, unless ``Handle/keepsLoopAlive`` says otherwise.
public final class NetworkMonitor: Handle {
    /// What has changed, at most once per turn of the loop, in the order links, addresses, routes.
    public var onChange: (([NetworkChange]) -> Void)?

    /// The network as it was told last.
    public private(set) var snapshot = NetworkSnapshot()

    /// How often addresses are looked at where the system does not tell of changes.
    static let pollingInterval = Duration.seconds(2)

    /// A turn of the loop is for others too: what is left is read on the next one.
    private static let datagramsPerTurn = 64

    #if os(Linux)
        private var netlink: NetlinkSocket?
        private var reading = NetlinkReading()
    #endif

    /// Watches from now on: what is there already is in ``snapshot``.
    ///
    /// - Throws: `closed` if the loop is, or what the system says.
    public convenience init(on loop: EventLoop, onChange: (([NetworkChange]) -> Void)? = nil) throws(NetworkError) {
        #if os(Linux)
            if let netlink = try? NetlinkSocket() {
                try self.init(on: loop, netlink)
                self.onChange = onChange
                return
            }
        #endif
        try self.init(on: loop, lookingEvery: Self.pollingInterval)
        self.onChange = onChange
    }

    override func dropClosures() {
        #if os(Linux)
            // libuv has stopped to watch the descriptor.
            netlink?.close()
            netlink = nil
        #endif
        let dropped = onChange
        onChange = nil
        withExtendedLifetime(dropped) {}
    }

    private func report(_ now: NetworkSnapshot) {
        let changes = now.changes(since: snapshot)
        snapshot = now
        if !changes.isEmpty { onChange?(changes) }
    }

    // MARK: Looking

    /// Watches by looking at the addresses at intervals.
    init(on loop: EventLoop, lookingEvery interval: Duration) throws(NetworkError) {
        let addresses = try NetworkInterfaces.addresses()
        let milliseconds = UInt64(max(1, interval.nanoseconds / 1_000_000))
        let memory = try unsafe loop.core.open(
            uv_timer_t.self, initialize: { unsafe uv_timer_init($0, $1) },
            configure: { handle throws(NetworkError) in
                try check(unsafe Self.startLooking(handle, every: milliseconds), "watch the network")
            },
            operation: "watch the network")
        unsafe super.init(loop.core, memory)
        snapshot = NetworkSnapshot(lookedAt: addresses)
    }

    private static func startLooking(_ handle: UnsafeMutablePointer<uv_timer_t>, every milliseconds: UInt64) -> Int32 {
        let looked: uv_timer_cb = { handle in
            guard let handle = unsafe handle else { return }
            let monitor = unsafe owner(NetworkMonitor.self, of: handle.pointee.data)
            monitor.core.turn { monitor.look() }
        }
        return unsafe uv_timer_start(handle, looked, milliseconds, milliseconds)
    }

    private func look() {
        guard let addresses = try? NetworkInterfaces.addresses() else { return }
        report(NetworkSnapshot(lookedAt: addresses))
    }

    // MARK: Listening

    #if os(Linux)
        private init(on loop: EventLoop, _ netlink: NetlinkSocket) throws(NetworkError) {
            let memory: UnsafeMutableRawPointer
            do {
                unsafe memory = try unsafe loop.core.open(
                    uv_poll_t.self, initialize: { unsafe uv_poll_init($0, $1, netlink.descriptor) },
                    configure: { handle throws(NetworkError) in
                        try check(unsafe Self.startListening(handle), "watch the network")
                    },
                    operation: "watch the network")
            } catch {
                netlink.close()
                throw error
            }
            self.netlink = netlink
            unsafe super.init(loop.core, memory)
            // The kernel makes a listing while it is being read: the first one is there at once.
            readNetlink()
            snapshot = reading.snapshot.knowingKinds
        }

        private static func startListening(_ handle: UnsafeMutablePointer<uv_poll_t>) -> Int32 {
            unsafe uv_poll_start(handle, Int32(UV_READABLE.rawValue)) { handle, status, _ in
                guard let handle = unsafe handle else { return }
                let monitor = unsafe owner(NetworkMonitor.self, of: handle.pointee.data)
                monitor.core.turn { monitor.isReadable(status) }
            }
        }

        private func isReadable(_ status: Int32) {
            if status < 0, let handle = unsafe handle(as: uv_poll_t.self) {
                // Notices were dropped. libuv takes the socket's pending error for the end of it, and has stopped to watch.
                reading.noteLoss()
                _ = unsafe Self.startListening(handle)
            }
            readNetlink()
            if reading.isSettled { report(reading.snapshot.knowingKinds) }
        }

        private func readNetlink() {
            guard let netlink else { return }
            unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 15, alignment: 8) { buffer in
                for _ in 0..<Self.datagramsPerTurn {
                    ask(netlink)
                    switch unsafe netlink.receive(into: buffer, { reading.receive($0) }) {
                    case .datagram: break
                    case .loss: reading.noteLoss()
                    case .nothing: return
                    }
                }
                // The answer wakes the loop again.
                ask(netlink)
            }
        }

        private func ask(_ netlink: NetlinkSocket) {
            guard let (request, sequence) = reading.nextRequest() else { return }
            do { try netlink.ask(request, sequence) } catch { reading.requestFailed() }
        }
    #endif
}

extension NetworkSnapshot {
    /// What the addresses alone tell.
    init(lookedAt addresses: [InterfaceAddress]) {
        self.addresses = addresses.sorted()
        for address in self.addresses where links.last?.index != address.index {
            links.append(NetworkLink(name: address.interface, index: address.index, isUp: true, isRunning: true))
        }
    }
}

import CMeasuring

/// What the process has cost so far.
public struct Usage {
    /// Processor time, user's and system's, in seconds.
    public let cpu: Double
    /// Bytes of the heap in use.
    public let heap: Int
    /// Bytes of resident memory.
    public let resident: Int
    /// How often memory was asked for.
    public let allocations: UInt64

    /// As of now.
    public init() {
        cpu = measuring_cpu_seconds()
        heap = measuring_heap_bytes()
        resident = measuring_resident_bytes()
        allocations = measuring_allocations()
    }
}

/// The process itself.
public enum ThisProcess {
    /// Lets the process open as many descriptors as the system lets it.
    public static func raiseDescriptorLimit() { measuring_raise_descriptor_limit() }

    /// From now on SIGTERM is noted in ``hasEnded``, and ends nothing.
    public static func watchForEnd() { measuring_watch_for_end() }

    /// Whether SIGTERM came.
    public static var hasEnded: Bool { measuring_has_ended() }
}

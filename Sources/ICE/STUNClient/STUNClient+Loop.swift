public import Logging
public import UV

extension STUNClient {
    /// A client on an event loop; throws for a configuration that makes no sense.
    ///
    /// - Parameters:
    ///   - loop: Where its sockets and timers live; all of its methods are called on that loop's thread.
    ///   - configuration: The server, and how it is asked.
    ///   - logger: Gets debug messages; silent unless given. No credential is logged.
    public convenience init(
        loop: EventLoop, configuration: STUNClientConfiguration, logger: Logger? = nil
    ) throws(STUNClientError) {
        try self.init(platform: UVPlatform(loop), configuration: configuration, logger: logger)
    }
}

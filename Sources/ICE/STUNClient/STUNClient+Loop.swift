public import UV

extension STUNClient {
    /// A client on an event loop; throws for a configuration that makes no sense.
    public convenience init(loop: EventLoop, configuration: STUNClientConfiguration) throws(STUNClientError) {
        try self.init(platform: UVPlatform(loop), configuration: configuration)
    }
}

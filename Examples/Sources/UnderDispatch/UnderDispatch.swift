import ICE

/// Two clients on an event loop that nobody runs: the main queue turns it when there is something to do, as an application's would.
@main
enum UnderDispatch {
    @MainActor
    static func main() async throws {
        let driver = try MainQueueDriver()
        let call = Call(on: driver.loop)
        let report = await withCheckedContinuation { continuation in
            call.onEnd = { continuation.resume(returning: $0) }
            driver.perform { call.start() }
        }
        print(report)
        // Other work of the main actor has its turn beside the loop's.
        driver.perform { call.close() }
        await driver.close()
        print("the loop is closed")
    }
}

import Testing
import UV

@testable import ICE

@Suite("A libuv loop as a platform")
struct UVPlatformTests {
    @Test(
        "C6.1: credentials, tiebreakers and transaction IDs come from the system's generator, which is fit for secrets")
    func generator() throws {
        let loop = try EventLoop()
        #expect(UVPlatform(loop).makeRandomNumberGenerator() is SystemRandomNumbers)
        loop.close()
    }
}

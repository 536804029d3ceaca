import Testing

@testable import IceTool

struct RoundTripsTests {
    @Test("Answers give the least, the mean and the greatest time, and loss")
    func figures() {
        var trips = RoundTrips()
        for time in [3.0, 1.0, 2.0] {
            trips.noteSent()
            trips.noteReceived(after: time)
        }
        trips.noteSent()
        #expect(trips.times == RoundTrips.Times(minimum: 1, average: 2, maximum: 3))
        #expect(trips.loss() == 0.25)
        #expect(trips.loss(awaiting: 1) == 0)
    }

    @Test("Where nothing came back there are no times")
    func nothing() {
        var trips = RoundTrips()
        #expect(trips.times == nil)
        #expect(trips.loss() == 0)
        trips.noteSent()
        #expect(trips.loss() == 1)
        #expect(trips.times == nil)
    }
}

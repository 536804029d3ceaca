import Testing

@testable import UV

@Suite("The system's random numbers")
struct SystemRandomNumbersTests {
    @Test("No number is handed out twice, neither by one generator nor by two")
    func noRepetition() {
        let (first, second) = (SystemRandomNumbers(), SystemRandomNumbers())
        // Of 2^64 none comes twice by chance.
        let numbers = (0..<100).flatMap { _ in [first.next(), second.next()] as [UInt64] }
        #expect(Set(numbers).count == 200)
        #expect(!numbers.contains(0))
    }

    @Test("A copy goes on where the other one is")
    func copies() {
        var first: any RandomNumberGenerator = SystemRandomNumbers()
        _ = first.next()
        var second = first
        #expect(first.next() != second.next())
    }
}

import NetBase
import Testing

@Suite("Batches of datagrams")
struct DatagramBatchTests {
    @Test(
        "Bytes are cut into datagrams of one size and a shorter last one",
        arguments: [
            (0, 0, [0]), (5, 5, [5]), (5, 9, [5]), (6, 3, [3, 3]), (7, 3, [3, 3, 1]), (3, 1, [1, 1, 1]),
        ])
    func cut(_ byteCount: Int, _ size: Int, _ expected: [Int]) {
        let bytes = (0..<byteCount).map { UInt8($0) }
        let batch = DatagramBatch(bytes.span, datagramSize: size)
        var sizes: [Int] = []
        var all: [UInt8] = []
        for index in 0..<batch.count {
            sizes.append(batch[index].count)
            all += [UInt8](copying: batch[index])
        }
        #expect(sizes == expected)
        #expect(all == bytes)
    }

    @Test("Some of them are a batch with the same facts")
    func extracting() {
        let bytes: [UInt8] = [0, 0, 1, 1, 2, 2, 3]
        let batch = DatagramBatch(
            bytes.span, datagramSize: 2, localAddress: .loopback(.v4), trafficClass: 0xb9)
        let end = batch.extracting(2..<4)
        let (count, rest) = (end.count, [UInt8](copying: end.bytes))
        #expect(count == 2)
        #expect(rest == [2, 2, 3])
        let (address, trafficClass) = (end.localAddress, end.trafficClass)
        #expect(address == .loopback(.v4) && trafficClass == 0xb9)
        let whole = batch.extracting(0..<4).count
        #expect(whole == 4)
    }
}

import Testing

@testable import IceTool

struct TextTests {
    @Test("Quantities have few digits and their units")
    func quantities() {
        #expect(Quantity.milliseconds(0.26) == "0.3 ms")
        #expect(Quantity.milliseconds(9.96) == "10 ms")
        #expect(Quantity.milliseconds(1234.5) == "1234 ms" || Quantity.milliseconds(1234.5) == "1235 ms")
        #expect(Quantity.bitRate(64_000) == "64 kbit/s")
        #expect(Quantity.bitRate(93_100_000) == "93.1 Mbit/s")
        #expect(Quantity.bitRate(1_234_000_000) == "1.23 Gbit/s")
        #expect(Quantity.percent(0) == "0 %")
        #expect(Quantity.percent(0.004) == "0.4 %")
        #expect(Quantity.percent(0.125) == "12 %")
    }

    @Test("A table has straight columns and no blanks at its ends")
    func table() {
        var table = Table("", "transport", "url")
        table.append("failed", "udp", "turn:a")
        #expect(table.description == "        transport  url\nfailed  udp        turn:a")
    }

    @Test("Without colours a text is as it is")
    func style() {
        #expect(Style.plain.good("ok") == "ok")
        #expect(Style(hasColor: true).good("ok") == "\u{1b}[32mok\u{1b}[0m")
    }
}

/// Bytes from hexadecimal digits; white space is skipped, anything else stops the test.
func hexBytes(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue ?? 0x80) }
    precondition(digits.count % 2 == 0 && digits.allSatisfy { $0 < 16 }, "no hexadecimal bytes: \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

extension [UInt8] {
    /// An array with a copy of the bytes that a span borrows.
    public init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { buffer in unsafe [UInt8](buffer) }
    }
}

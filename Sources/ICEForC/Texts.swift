/// A text that C may read for as long as this lives.
@safe
final class OwnedText {
    let text: String
    private let memory: UnsafeMutablePointer<CChar>

    init(_ text: String) {
        self.text = text
        let bytes = Array(text.utf8CString)
        unsafe memory = .allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { unsafe memory[index] = byte }
    }

    deinit { unsafe memory.deallocate() }

    var pointer: UnsafePointer<CChar> { unsafe UnsafePointer(memory) }
}

/// Reads a text of C's that has to be there.
func read(_ text: UnsafePointer<CChar>?, _ name: String) throws(Fault) -> String {
    guard let text = unsafe text else { throw Fault(.invalidArgument, "\(name) is null") }
    guard let read = unsafe String(validatingCString: text) else {
        throw Fault(.invalidArgument, "\(name) is not UTF-8")
    }
    return read
}

/// Reads a text of C's that may be missing.
func readOptional(_ text: UnsafePointer<CChar>?, _ name: String) throws(Fault) -> String? {
    if unsafe text == nil { return nil }
    return try unsafe read(text, name)
}

/// Constant text as C reads it.
func constant(_ text: StaticString) -> UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

import Measuring

/// How an application hands datagrams over, and takes them.
enum Mode: String {
    /// Each by itself, sent at once.
    case single
    /// Each by itself; those of one turn of the loop go together.
    case coalesced
    /// Many in one buffer, and as many as arrive together.
    case batched

    init(_ options: Options) {
        guard let mode = Mode(rawValue: options["mode"] ?? "single") else {
            Options.refuse("--mode takes single, coalesced or batched")
        }
        self = mode
    }
}

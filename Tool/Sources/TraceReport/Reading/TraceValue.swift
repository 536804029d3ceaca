/// What a field of a trace's line holds.
enum TraceValue: Hashable, Sendable {
    case text(String)
    case number(Double)
    case flag(Bool)
    case none
    /// What no version of the library has written yet, as text.
    case other(String)
}

extension TraceValue: Decodable {
    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .none
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text.printable)
        } else if let list = try? value.decode([TraceValue].self) {
            self = .other("[\(list.map(\.description).joined(separator: ", "))]".printable)
        } else {
            let object = try value.decode([String: TraceValue].self)
            let fields = object.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            self = .other("{\(fields.joined(separator: ", "))}".printable)
        }
    }
}

extension TraceValue: CustomStringConvertible {
    var description: String {
        switch self {
        case .text(let text), .other(let text): text
        case .number(let number): number.shortest
        case .flag(let flag): "\(flag)"
        case .none: "null"
        }
    }
}

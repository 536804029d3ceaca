import ArgumentParser
import ICE

/// Which addresses and ports of this machine are used.
struct NetworkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Use this network interface only; may be given again.", valueName: "name"))
    var interface: [String] = []
    @Option(help: ArgumentHelp("Use this local address only; may be given again.", valueName: "address"))
    var address: [String] = []
    @Option(help: ArgumentHelp("Use local UDP ports from this range.", valueName: "first-last")) var ports: PortRange?
    @Flag(help: "Use 127.0.0.1 and ::1 too.") var loopback = false

    func validate() throws {
        _ = try addresses()
        let known = try Set(NetworkInterfaces.addresses().map(\.interface))
        if let missing = interface.first(where: { !known.contains($0) }) {
            let there = known.sorted().joined(separator: ", ")
            throw ValidationError("No interface named \(missing) is up; there are \(there).")
        }
    }

    func apply(to configuration: inout ICEConfiguration) throws {
        configuration.includesLoopback = loopback
        configuration.portRange = ports?.range
        configuration.localAddresses = try addresses()
    }

    func apply(to client: ICEClient) {
        guard !interface.isEmpty else { return }
        client.shouldUseInterface = { [interface] in interface.contains($0.interface) }
    }

    private func addresses() throws -> [IPAddress]? {
        guard !address.isEmpty else { return nil }
        return try address.map { text in
            guard let ip = IPAddress(text) else {
                throw ValidationError("--address takes an IPv4 or IPv6 address, not \(text).")
            }
            return ip
        }
    }
}

/// A range of ports, as in `50000-50100`.
struct PortRange: ExpressibleByArgument, Equatable {
    let range: ClosedRange<UInt16>

    init?(argument: String) {
        let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, 1 <= first, first <= last
        else { return nil }
        range = first...last
    }
}

/// A time in seconds, above zero and at most an hour.
struct Seconds: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        guard let value = Double(argument), value > 0, value <= 3600 else { return nil }
        self.value = value
    }

    var duration: Duration { .seconds(value) }

    var description: String { value == value.rounded() ? "\(Int(value))" : "\(value)" }

    var defaultValueDescription: String { description }
}

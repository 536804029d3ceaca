import CSwiftICE
import ICE

/// What a `swift_ice_config` says, checked and copied.
@safe
struct ClientSettings {
    private(set) var configuration = ICEConfiguration()
    /// Only its callbacks and the user's data are used: what else it points to belongs to the caller.
    let callbacks: swift_ice_config

    /// The members of the first version; those that came later stand behind them.
    private static let smallestSize = unsafe MemoryLayout<swift_ice_config>.size

    init(_ pointer: UnsafePointer<swift_ice_config>) throws(Fault) {
        let config = try unsafe Self.copy(pointer)
        unsafe callbacks = unsafe config
        try unsafe readChoices(config)
        try unsafe readPorts(config)
        try unsafe readAddresses(config)
        try unsafe readServers(config)
    }

    /// Copies what is there of the caller's struct, which may be an older or a newer one.
    private static func copy(_ pointer: UnsafePointer<swift_ice_config>) throws(Fault) -> swift_ice_config {
        let bytes = unsafe UnsafeRawPointer(pointer)
        let size = unsafe bytes.load(as: Int.self)
        guard size >= smallestSize else {
            throw Fault(.invalidArgument, "config.size is \(size): set it to sizeof(swift_ice_config)")
        }
        var copy = unsafe swift_ice_config()
        let known = unsafe min(size, MemoryLayout<swift_ice_config>.size)
        unsafe withUnsafeMutableBytes(of: &copy) { copy in
            unsafe copy.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: known))
        }
        // Before anything behind the struct is read: a size that was never set leads anywhere.
        guard size - known <= 4096 else {
            throw Fault(.invalidArgument, "config.size is \(size): set it to sizeof(swift_ice_config)")
        }
        let rest = unsafe UnsafeRawBufferPointer(start: bytes + known, count: size - known)
        let isRestUnused = unsafe rest.allSatisfy { $0 == 0 }
        guard isRestUnused else {
            throw Fault(
                .invalidArgument, "the configuration has members that this version of the library does not know")
        }
        return unsafe copy
    }

    private mutating func readChoices(_ config: swift_ice_config) throws(Fault) {
        configuration.role = try unsafe Self.choose([.controlling, .controlled], config.role, "role")
        configuration.pacing = try unsafe Self.choose([.standard, .fast, .server], config.pacing, "pacing")
        configuration.nomination = try unsafe Self.choose([.regular, .eager], config.nomination, "nomination")
        configuration.isLite = unsafe config.is_lite != 0
        configuration.includesLoopback = unsafe config.includes_loopback != 0
        configuration.transportPolicy = unsafe config.uses_relays_only != 0 ? .relay : .all
        configuration.gatheringPolicy = unsafe config.gathers_continually != 0 ? .continually : .once
        configuration.restartsByItself = unsafe config.restarts_by_itself != 0
    }

    private static func choose<Choice>(_ choices: [Choice], _ number: Int32, _ name: String) throws(Fault) -> Choice {
        guard choices.indices.contains(Int(number)) else {
            throw Fault(.invalidArgument, "config.\(name) is \(number): it takes 0 to \(choices.count - 1)")
        }
        return choices[Int(number)]
    }

    private mutating func readPorts(_ config: swift_ice_config) throws(Fault) {
        let (first, last) = unsafe (config.first_port, config.last_port)
        guard first <= last else {
            throw Fault(.invalidArgument, "config.first_port \(first) is above config.last_port \(last)")
        }
        if last > 0 { configuration.portRange = first...last }
    }

    private mutating func readAddresses(_ config: swift_ice_config) throws(Fault) {
        let count = unsafe config.local_address_count
        guard count > 0 else { return }
        guard let texts = unsafe config.local_addresses else {
            throw Fault(.invalidArgument, "config.local_addresses is null")
        }
        configuration.localAddresses = []
        for index in 0..<count {
            let text = try unsafe read(texts[index], "config.local_addresses[\(index)]")
            guard let address = IPAddress(text) else { throw Fault(.malformed, "no IP address: \(text.prefix(64))") }
            configuration.localAddresses?.append(address)
        }
    }

    private mutating func readServers(_ config: swift_ice_config) throws(Fault) {
        let count = unsafe config.server_count
        guard count > 0 else { return }
        guard let servers = unsafe config.servers else { throw Fault(.invalidArgument, "config.servers is null") }
        for index in 0..<count {
            let server = unsafe servers[index]
            let url = try unsafe read(server.url, "config.servers[\(index)].url")
            let username = try unsafe readOptional(server.username, "config.servers[\(index)].username")
            let credential = try unsafe readOptional(server.credential, "config.servers[\(index)].credential")
            do throws(ICESyntaxError) {
                configuration.servers.append(
                    try ICEServer(urls: [url], username: username, credential: credential))
            } catch {
                throw Fault(error)
            }
        }
    }
}

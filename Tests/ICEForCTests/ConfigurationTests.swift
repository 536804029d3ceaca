import CSwiftICE
import Foundation
import ICEForC
import Testing

@Suite("The configuration that C hands over", .serialized)
struct ConfigurationTests {
    /// What comes of a configuration, and of one whose memory goes on behind it.
    private func create(
        _ program: CProgram, size: Int? = nil, behind: [UInt8] = [],
        _ configure: (inout swift_ice_config) -> Void = { _ in }
    ) -> Int32 {
        let known = MemoryLayout<swift_ice_config>.size
        var config = swift_ice_config()
        config.size = size ?? known + behind.count
        configure(&config)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: known + behind.count, alignment: 16)
        defer { memory.deallocate() }
        memory.copyMemory(from: &config, byteCount: known)
        for (index, byte) in behind.enumerated() {
            memory.storeBytes(of: byte, toByteOffset: known + index, as: UInt8.self)
        }
        var client: OpaquePointer?
        let status = swift_ice_client_create(
            program.ice, memory.assumingMemoryBound(to: swift_ice_config.self), &client)
        #expect((client != nil) == (status == SWIFT_ICE_OK))
        swift_ice_client_free(client)
        return status
    }

    @Test("The size says which members there are: too few are refused, and more if one of them is set")
    func size() {
        let program = CProgram()
        #expect(create(program) == SWIFT_ICE_OK)
        #expect(create(program, size: 0) == SWIFT_ICE_INVALID_ARGUMENT && program.errorMessage.contains("sizeof"))
        #expect(create(program, size: MemoryLayout<swift_ice_config>.size - 1) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(create(program, behind: [UInt8](repeating: 0, count: 24)) == SWIFT_ICE_OK)
        #expect(create(program, behind: [0, 0, 0, 1]) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(program.errorMessage.contains("does not know"))
        #expect(create(program, size: .max) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(program.end())
    }

    @Test("What lies behind a struct of a size that cannot be is not looked at")
    func sizeBeyondMemory() {
        let program = CProgram()
        let page = sysconf(Int32(_SC_PAGESIZE))
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 3 * page, alignment: page)
        // Whoever reads the last whole page is stopped by the system.
        let end = UnsafeMutableRawPointer(bitPattern: (Int(bitPattern: memory) / page + 1) * page)!
        #expect(mprotect(end, page, PROT_NONE) == 0)
        defer {
            mprotect(end, page, PROT_READ | PROT_WRITE)
            memory.deallocate()
        }
        let config = (end - MemoryLayout<swift_ice_config>.size).assumingMemoryBound(to: swift_ice_config.self)
        config.initialize(to: swift_ice_config())
        var client: OpaquePointer?
        for size in [MemoryLayout<swift_ice_config>.size + 4097, .max] {
            config.pointee.size = size
            #expect(swift_ice_client_create(program.ice, config, &client) == SWIFT_ICE_INVALID_ARGUMENT)
            #expect(program.errorMessage.contains("sizeof"))
        }
        #expect(program.end())
    }

    @Test("Choices that there are not, ports in the wrong order and missing lists are refused")
    func choices() {
        let program = CProgram()
        #expect(create(program) { $0.role = 2 } == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(program.errorMessage.contains("role"))
        #expect(create(program) { $0.pacing = -1 } == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(create(program) { ($0.first_port, $0.last_port) = (9, 8) } == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(create(program) { ($0.first_port, $0.last_port) = (5000, 6000) } == SWIFT_ICE_OK)
        #expect(create(program) { $0.server_count = 1 } == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(create(program) { $0.local_address_count = 1 } == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(program.end())
    }

    @Test(
        "Servers and addresses are read, and what is wrong with them is told without the credential",
        arguments: [
            ("stun:192.0.2.1", false, SWIFT_ICE_OK), ("turn:192.0.2.1", true, SWIFT_ICE_OK),
            ("turn:192.0.2.1", false, SWIFT_ICE_MALFORMED), ("http://x", true, SWIFT_ICE_MALFORMED),
            ("turn:u:s3cret@x", true, SWIFT_ICE_MALFORMED),
        ])
    func servers(_ url: String, _ hasCredential: Bool, _ expected: Int) {
        let program = CProgram()
        let status = url.withCString { url in
            "u".withCString { username in
                "s3cret".withCString { credential in
                    var server = swift_ice_server(
                        url: url, username: hasCredential ? username : nil,
                        credential: hasCredential ? credential : nil)
                    return withUnsafePointer(to: &server) { server in
                        create(program) { ($0.servers, $0.server_count) = (server, 1) }
                    }
                }
            }
        }
        #expect(status == expected && !program.errorMessage.contains("s3cret"))
        #expect(program.end())
    }

    @Test("Local addresses are the only ones used")
    func localAddresses() {
        let program = CProgram()
        "127.0.0.1".withCString { address in
            let list: [UnsafePointer<CChar>?] = [address]
            list.withUnsafeBufferPointer { list in
                let client = CClient(program, role: SWIFT_ICE_CONTROLLING) {
                    ($0.local_addresses, $0.local_address_count) = (list.baseAddress, 1)
                }
                client.start()
                #expect(program.run { client.hasAllCandidates })
                #expect(client.candidates.count == 1 && client.candidates[0].contains(" 127.0.0.1 "))
                client.free()
            }
        }
        #expect(program.end())
    }
}

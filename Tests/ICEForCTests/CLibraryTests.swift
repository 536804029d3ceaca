import CLibUV
import CSwiftICE
import ICEForC
import Testing

@Suite("The library as C programs use it", .serialized)
struct CLibraryTests {
    private func pair(_ program: CProgram) -> (CClient, CClient) {
        let alice = CClient(program, role: SWIFT_ICE_CONTROLLING)
        let bob = CClient(program, role: SWIFT_ICE_CONTROLLED)
        #expect(alice.introduce(to: bob) == SWIFT_ICE_OK && bob.introduce(to: alice) == SWIFT_ICE_OK)
        return (alice, bob)
    }

    private func isCompleted(_ clients: CClient...) -> Bool {
        clients.allSatisfy { $0.state == SWIFT_ICE_STATE_COMPLETED }
    }

    @Test("Two clients on a loop of the program's own connect, talk both ways, restart and leave nothing behind")
    func call() throws {
        let program = CProgram()
        let (alice, bob) = pair(program)
        alice.start()
        bob.start()
        #expect(program.run { isCompleted(alice, bob) })
        #expect(alice.hasAllCandidates && alice.candidates.allSatisfy { $0.hasPrefix("candidate:") })
        #expect(alice.states.last == SWIFT_ICE_STATE_COMPLETED && alice.failure == nil)
        #expect(alice.nominated.count == 1 && alice.selected.last == alice.nominated.last)

        #expect(alice.send([1, 2, 0, 3]) == SWIFT_ICE_OK && bob.send([]) == SWIFT_ICE_OK)
        #expect(program.run { !alice.received.isEmpty && !bob.received.isEmpty })
        #expect(bob.received == [[1, 2, 0, 3]] && alice.received == [[]])

        let before = String(cString: swift_ice_client_local_ufrag(alice.handle))
        #expect(before == String(cString: swift_ice_client_local_ufrag(alice.handle)))
        for client in [alice, bob] { #expect(swift_ice_client_restart(client.handle) == SWIFT_ICE_OK) }
        #expect(before != String(cString: swift_ice_client_local_ufrag(alice.handle)))
        #expect(alice.introduce(to: bob) == SWIFT_ICE_OK && bob.introduce(to: alice) == SWIFT_ICE_OK)
        #expect(program.run { alice.nominated.count == 2 && bob.nominated.count == 2 })

        alice.free()
        bob.free()
        #expect(program.end())
    }

    @Test("No callback is called inside the call that causes it, nor after close")
    func reentrancy() {
        let program = CProgram()
        let (alice, bob) = pair(program)
        var isCalling = true
        var calls = 0
        for client in [alice, bob] {
            client.onCallback = {
                calls += 1
                #expect(!isCalling)
            }
        }
        alice.start()
        bob.start()
        isCalling = false
        #expect(program.run { isCompleted(alice, bob) && calls > 4 })
        isCalling = true
        #expect(
            swift_ice_client_close(alice.handle) == SWIFT_ICE_OK && swift_ice_client_close(bob.handle) == SWIFT_ICE_OK)
        calls = 0
        uv_run(program.loop, UV_RUN_NOWAIT)
        #expect(calls == 0)
        alice.free()
        bob.free()
        #expect(program.end())
    }

    @Test("After close every call has a code for it and does nothing")
    func closed() {
        let program = CProgram()
        let client = CClient(program, role: SWIFT_ICE_CONTROLLING)
        for _ in 0..<2 { #expect(swift_ice_client_close(client.handle) == SWIFT_ICE_OK) }
        let handle = client.handle
        let line = "candidate:1 1 udp 1 192.0.2.1 1 typ host"
        let results = [
            swift_ice_client_gather(handle), swift_ice_client_process(handle), swift_ice_client_restart(handle),
            client.send([1]), swift_ice_client_add_remote_candidate(handle, line),
            swift_ice_client_end_remote_candidates(handle),
            swift_ice_client_set_remote_parameters(handle, "frag", "0123456789012345678901", nil, 0),
        ]
        #expect(results.allSatisfy { $0 == SWIFT_ICE_CLOSED })
        #expect(swift_ice_client_local_ufrag(handle) == nil && swift_ice_client_local_pwd(handle) == nil)
        #expect(client.state == SWIFT_ICE_STATE_CLOSED && program.errorMessage.contains("make a new one"))
        client.free()
        #expect(program.end())
    }

    @Test("A client may be closed and given back inside each of its own callbacks")
    func freedInside() {
        for count in 1...8 {
            let program = CProgram()
            let (alice, bob) = pair(program)
            var calls = 0
            alice.onCallback = {
                calls += 1
                if calls == count { alice.free() }
            }
            bob.onCallback = { if bob.state == SWIFT_ICE_STATE_CONNECTED { _ = bob.send([7]) } }
            alice.start()
            bob.start()
            #expect(program.run { alice.handle == nil || isCompleted(alice, bob) })
            #expect(alice.handle != nil || calls == count)
            alice.free()
            bob.free()
            #expect(program.end())
        }
    }

    @Test("Clients outlive their loop's handle as closed ones")
    func loopFirst() {
        let program = CProgram()
        let (alice, bob) = pair(program)
        alice.start()
        uv_run(program.loop, UV_RUN_NOWAIT)
        #expect(program.end())
        #expect(swift_ice_client_gather(alice.handle) == SWIFT_ICE_CLOSED && bob.send([1]) == SWIFT_ICE_CLOSED)
        alice.free()
        bob.free()
    }

    @Test("Null handles and arguments are refused")
    func null() {
        let program = CProgram()
        var result: OpaquePointer?
        #expect(swift_ice_loop_adopt(nil, &result) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(swift_ice_loop_adopt(program.loop, nil) == SWIFT_ICE_INVALID_ARGUMENT)
        var config = swift_ice_config()
        #expect(swift_ice_client_create(nil, &config, &result) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(swift_ice_client_create(program.ice, nil, &result) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(swift_ice_client_gather(nil) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(swift_ice_client_local_pwd(nil) == nil)
        swift_ice_client_free(nil)
        swift_ice_loop_free(nil)
        let client = CClient(program, role: SWIFT_ICE_CONTROLLING)
        #expect(swift_ice_client_add_remote_candidate(client.handle, nil) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(swift_ice_client_send(client.handle, nil, 5) == SWIFT_ICE_INVALID_ARGUMENT)
        client.free()
        #expect(program.end())
    }

    @Test("Faults have codes, and words that say what to do")
    func faults() {
        let program = CProgram()
        #expect(program.errorMessage.isEmpty)
        let client = CClient(program, role: SWIFT_ICE_CONTROLLING)
        let handle = client.handle
        #expect(client.send([1]) == SWIFT_ICE_NOT_CONNECTED && program.errorMessage.contains("wait for"))
        #expect(swift_ice_client_add_remote_candidate(handle, "candidate:nonsense") == SWIFT_ICE_MALFORMED)
        #expect(program.errorMessage.contains("candidate:nonsense"))
        #expect(
            swift_ice_client_add_remote_candidate(handle, "candidate:1 1 tcp 1 192.0.2.1 9 typ host") == SWIFT_ICE_OK)
        #expect(swift_ice_client_add_remote_candidate(handle, " ") == SWIFT_ICE_MALFORMED)
        let noText: [CChar] = [CChar(bitPattern: 0xff), 0]
        #expect(swift_ice_client_add_remote_candidate(handle, noText) == SWIFT_ICE_INVALID_ARGUMENT)
        #expect(swift_ice_client_set_remote_parameters(handle, "f", "short", nil, 0) == SWIFT_ICE_MALFORMED)
        let password = "0123456789012345678901"
        #expect(swift_ice_client_set_remote_parameters(handle, "frag", password, "ice2 trickle", 0) == SWIFT_ICE_OK)
        #expect(
            swift_ice_client_set_remote_parameters(handle, "garf", password, nil, 0)
                == SWIFT_ICE_REMOTE_PARAMETERS_ALREADY_SET)
        #expect(String(cString: swift_ice_status_name(Int32(SWIFT_ICE_NOT_CONNECTED))) == "not-connected")
        #expect(String(cString: swift_ice_state_name(Int32(SWIFT_ICE_STATE_FAILED))) == "failed")
        #expect(String(cString: swift_ice_state_name(77)) == "unknown")
        client.free()
        #expect(program.end())
    }

    @Test("What is signalled stays as it is until the client is given back, though it and its loop are closed")
    func texts() {
        let program = CProgram()
        let client = CClient(program, role: SWIFT_ICE_CONTROLLING)
        let texts = [
            swift_ice_client_local_ufrag(client.handle), swift_ice_client_local_pwd(client.handle),
            swift_ice_client_local_options(client.handle),
        ]
        func read() -> [String] { texts.compactMap { $0.map { String(cString: $0) } } }
        let before = read()
        #expect(before.count == 3)
        #expect(swift_ice_client_close(client.handle) == SWIFT_ICE_OK)
        #expect(read() == before)
        #expect(program.end())
        #expect(read() == before)
        client.free()
    }

    @Test("A datagram larger than any is refused, whatever its size")
    func tooLarge() {
        let program = CProgram()
        let client = CClient(program, role: SWIFT_ICE_CONTROLLING)
        let byte: [UInt8] = [1]
        for count in [65536, 1 << 32, .max] {
            #expect(swift_ice_client_send(client.handle, byte, count) == SWIFT_ICE_MESSAGE_TOO_LARGE)
            #expect(program.errorMessage.contains("65535"))
        }
        client.free()
        #expect(program.end())
    }

    @Test("A failure has its reason, though the client has begun anew before it is told")
    func failure() {
        let program = CProgram()
        let clients = [false, true].map { restarts in
            let client = CClient(program, role: SWIFT_ICE_CONTROLLING) { $0.uses_relays_only = 1 }
            client.onCallback = { [unowned client] in
                // It has failed, and is about to tell so.
                guard restarts, client.reasons.isEmpty, client.state == SWIFT_ICE_STATE_FAILED else { return }
                #expect(!client.states.contains(SWIFT_ICE_STATE_FAILED))
                #expect(swift_ice_client_restart(client.handle) == SWIFT_ICE_OK)
            }
            let status = swift_ice_client_set_remote_parameters(
                client.handle, "frag", "0123456789012345678901", nil, 0)
            #expect(status == SWIFT_ICE_OK && swift_ice_client_end_remote_candidates(client.handle) == SWIFT_ICE_OK)
            client.start()
            return client
        }
        #expect(program.run { clients.allSatisfy { $0.states.contains(SWIFT_ICE_STATE_FAILED) } })
        #expect(clients.allSatisfy { $0.reasons.count == 1 && $0.reasons[0].contains("no candidates") })
        for client in clients { client.free() }
        #expect(program.end())
    }
}

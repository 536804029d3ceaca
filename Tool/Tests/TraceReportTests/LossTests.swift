import Foundation
import ICE
import ICETesting
import STUN
import Testing

@testable import TraceReport

@Suite("Verdicts on calls that were lost or restarted")
struct LossTests {
    @Test("The peer vanishes mid-call: when consent expired, and when the peer was last heard")
    func consentLost() throws {
        let scene = try Scene()
        let call = TracedCall(
            scene.network, scene.hosts(.portRestricted, .portRestricted), servers: try scene.servers("stun:192.0.2.10"))
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        call.run(until: { false }, atMost: .seconds(20))
        // An answer is the last that the peer is heard to say.
        var isCut = false
        scene.network.interceptor = { packet in
            guard packet.sender == "callee" else { return .pass }
            if isCut { return .drop }
            isCut = packet.bytes.starts(with: [1, 1])
            return .pass
        }
        #expect(call.run(until: { isCut }))
        call.run(until: { false }, atMost: .seconds(1))
        let cutAt = (scene.network.now - Instant(nanoseconds: 0)).milliseconds
        #expect(call.run(until: { call.caller.state == .failed }))
        let failedAt = (scene.network.now - Instant(nanoseconds: 0)).milliseconds
        let report = try call.report()
        #expect(report.diagnosis.outcome == .lost)
        let finding = try #require(report.diagnosis.findings.first)
        #expect(finding.code == "consent-expired")
        let pair = try #require(report.call.pair(report.call.selections[0].pair))
        let lost = try #require(pair.consentLostAt)
        #expect(abs(lost - failedAt) < 2)
        #expect(finding.title.contains(lost.asTime))
        let heard = try #require(pair.checks.compactMap(\.answeredAt).max())
        #expect(heard <= cutAt && finding.title.contains("stopped answering at \(heard.asTime)"))
        #expect(finding.evidence.contains { $0.text == "nothing of the peer's own came after that either" })
    }

    @Test("Only one way closes mid-call: the peer's checks are named as a sign of it")
    func oneWayLost() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        call.run(until: { false }, atMost: .seconds(10))
        scene.network.interceptor = { $0.sender == "caller" ? .drop : .pass }
        #expect(call.run(until: { call.caller.state == .failed }))
        let finding = try #require(try call.report().diagnosis.findings.first)
        #expect(finding.evidence.contains { $0.text.hasPrefix("the peer's own checks still came") })
        #expect(finding.advice.contains { $0.contains("one way") })
    }

    @Test("The local address goes away mid-call")
    func addressLost() throws {
        let scene = try Scene()
        let hosts = scene.hosts()
        let call = TracedCall(scene.network, hosts) { $0.gatheringPolicy = .continually }
        try call.start()
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .connected } }))
        call.run(until: { false }, atMost: .seconds(10))
        hosts[0].interfaces[0].removeAddress("203.0.113.1")
        #expect(call.run(until: { call.caller.state == .failed }))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .lost)
        #expect(report.diagnosis.findings.first?.code == "address-lost")
    }

    @Test("A restart that finds a path again is told as such")
    func restarted() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        for client in call.clients { client.restart() }
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        call.run(until: { false }, atMost: .seconds(5))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .connected)
        #expect(report.diagnosis.remarks.contains { $0.code == "restarted" })
        #expect(report.call.generations.map(\.number) == [0, 1])
    }

    @Test("A peer that begins another session answers 401, which is told from one that is gone")
    func anotherSession() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        call.run(until: { false }, atMost: .seconds(10))
        // What a program that was started anew on the same port does.
        let address = try #require(call.callee.selectedPair()).local.address
        call.callee.close()
        call.run(until: { false }, atMost: .milliseconds(10))
        let socket = try scene.network.hosts[2].bind(address)
        socket.onDatagram = { [weak socket] bytes, source in
            guard let request = try? STUNMessage(parsing: bytes), request.messageClass == .request else { return }
            var response = STUNMessage(.failure, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.ErrorCode(code: 401, reason: "Unauthenticated"))
            response.appendFingerprint()
            try? socket?.send(response.bytes.span, to: source)
        }
        #expect(call.run(until: { call.caller.state == .failed }))
        let finding = try #require(try call.report().diagnosis.findings.first)
        #expect(finding.code == "consent-expired")
        #expect(finding.title.contains("401"))
    }
}

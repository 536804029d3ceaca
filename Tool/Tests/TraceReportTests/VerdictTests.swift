import Foundation
import ICE
import ICETesting
import STUN
import Testing

@testable import TraceReport

/// Each verdict is held against what the test did to the call.
@Suite("Verdicts on calls that were made")
struct VerdictTests {
    @Test("A direct call: over which pair, and after how long")
    func direct() throws {
        let scene = try Scene()
        let call = TracedCall(
            scene.network, scene.hosts(.portRestricted), servers: try scene.servers("stun:192.0.2.10"))
        var connectedAt: Duration?
        call.caller.onStateChange = { state in
            if state == .connected { connectedAt = connectedAt ?? (scene.network.now - Instant(nanoseconds: 0)) }
        }
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        call.run(until: { false }, atMost: .seconds(20))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .connected)
        let pair = try #require(call.caller.selectedPair())
        #expect(report.headline.contains("directly: \(pair)."))
        #expect(report.call.firstConnected?.time == connectedAt?.milliseconds)
        #expect(report.diagnosis.findings.isEmpty)
        #expect(report.diagnosis.remarks.isEmpty)
        let record = try #require(report.call.pair(pair.id))
        let statistics = try #require(call.caller.statistics().candidatePairs.first { $0.id == pair.id })
        #expect(record.checks.count { !$0.isConsent } == Int(statistics.requestsSent))
        #expect(record.checks.count(where: \.isConsent) == Int(statistics.consentRequestsSent))
        #expect(record.answers == Int(statistics.responsesReceived))
        #expect(record.received.count == Int(statistics.requestsReceived))
        #expect(record.state == "succeeded" && !record.selectedAt.isEmpty && !record.nominatedAt.isEmpty)
        #expect(report.call.role == "controlling")
        #expect(try call.report(1).call.role == "controlled")
    }

    @Test("A relayed call: that it goes over a relay, and what became of the direct pairs")
    func relayed() throws {
        let scene = try Scene()
        let call = TracedCall(
            scene.network, scene.hosts(.symmetric, .symmetric), servers: try scene.servers("turn:192.0.2.10"))
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        call.run(until: { false }, atMost: .seconds(60))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .connected)
        #expect(report.headline.contains("over a relay: \(try #require(call.caller.selectedPair()))"))
        let relayed = try #require(report.diagnosis.remarks.first { $0.code == "relayed" })
        let pair = try #require(call.caller.selectedPair())
        #expect(relayed.evidence[0].text.contains("this side's") == (pair.local.kind == .relayed))
        #expect(relayed.evidence[0].text.contains("the peer's") == (pair.remote.kind == .relayed))
        #expect(relayed.evidence[1].text.contains("of which 0 worked"))
    }

    @Test("All UDP is blocked here: neither server nor peer, and that is said")
    func blockedUDP() throws {
        let scene = try Scene()
        let call = TracedCall(
            scene.network, scene.hosts(.udpBlocked, .portRestricted), servers: try scene.servers("stun:192.0.2.10"))
        try call.start()
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .failed } }))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .failed)
        let finding = try #require(report.diagnosis.findings.first)
        #expect(finding.code == "udp-blocked")
        #expect(finding.evidence.contains { $0.text.contains("stun:192.0.2.10") && $0.text.contains("701") })
        #expect(report.diagnosis.remarks.contains { $0.code == "server-701" })
        // The other side's server answers, so that it must not blame its own network.
        let other = try call.report(1)
        #expect(other.diagnosis.findings.first?.code == "silence")
        #expect(other.diagnosis.findings.first?.evidence.contains { $0.text.contains("UDP gets out") } == true)
    }

    @Test("Two NATs that let nobody in: silence, and that a relay would help")
    func strictNATs() throws {
        let scene = try Scene()
        let call = TracedCall(
            scene.network, scene.hosts(.symmetric, .symmetric),
            servers: try scene.servers("stun:192.0.2.10", "stun:192.0.2.11"))
        try call.start()
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .failed } }))
        let report = try call.report()
        let finding = try #require(report.diagnosis.findings.first)
        #expect(finding.code == "silence")
        #expect(finding.advice.contains { $0.contains("TURN") })
        let sent = report.call.pairs.flatMap(\.checks).reduce(0) { $0 + $1.sentAt.count }
        #expect(finding.evidence.contains { $0.text.hasPrefix("\(sent) requests") })
        #expect(report.diagnosis.remarks.contains { $0.code == "symmetric-nat" })
    }

    @Test("The caller was told a wrong password: the peer refuses it, and the peer's side says whose fault it is")
    func wrongPassword() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        let right = call.callee.localParameters
        let wrong = try ICEParameters(
            usernameFragment: right.usernameFragment, password: "thisIsNotThePasswordOfTheCallee",
            options: right.options,
            isLite: false, pacingInterval: nil)
        try call.start(tellingCaller: wrong)
        // What all of its checks are refused with, the callee's do not make up for.
        #expect(call.run(until: { call.caller.state == .failed }))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .failed)
        let finding = try #require(report.diagnosis.findings.first)
        #expect(finding.code == "wrong-password")
        #expect(finding.title.hasPrefix("wrong password: "))
        let refused = report.call.pairs.flatMap(\.checks).flatMap(\.disregarded).count
        #expect(refused > 1 && finding.title.contains("\(refused) checks were refused"))
        #expect(finding.evidence.contains { $0.text.contains("the peer knows this side's") })
        // The callee has the right one, and sees checks that it had to refuse.
        let other = try call.report(1)
        #expect(other.diagnosis.outcome == .connected)
        #expect(other.diagnosis.remarks.first?.code == "peer-refused")
        #expect(other.call.generations[0].refusals.count(where: { $0.code == 401 }) == refused)
    }

    @Test("Both were told a wrong password, and fail")
    func bothWrong() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        let wrong = try call.clients.map {
            try ICEParameters(
                usernameFragment: $0.localParameters.usernameFragment, password: "thisIsNobodysPasswordAtAll",
                options: [],
                isLite: false, pacingInterval: nil)
        }
        try call.start(tellingCaller: wrong[1], tellingCallee: wrong[0])
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .failed } }))
        for index in [0, 1] {
            let report = try call.report(index)
            #expect(report.diagnosis.outcome == .failed)
            let finding = try #require(report.diagnosis.findings.first)
            #expect(finding.code == "wrong-password")
            #expect(finding.evidence.contains { $0.text.contains("came with other credentials") })
            #expect(report.call.pairs.allSatisfy { $0.failure?.reason == "integrity" })
        }
    }

    @Test("The callee was told nothing that fits: its checks are refused here")
    func peerHasWrongPassword() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        let right = call.caller.localParameters
        let wrong = try ICEParameters(
            usernameFragment: right.usernameFragment, password: "thisIsNotThePasswordOfTheCaller",
            options: right.options,
            isLite: false, pacingInterval: nil)
        // The caller does not learn where the callee is.
        call.signal = { index, candidate in index == 1 && candidate != nil ? .none : .some(candidate) }
        try call.start(tellingCallee: wrong)
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .failed } }))
        #expect(try call.report(1).diagnosis.findings.first?.code == "wrong-password")
        let codes = try call.report().diagnosis.findings.map(\.code)
        #expect(codes == ["no-remote-candidates", "peer-has-wrong-password"])
    }

    @Test("The peer signalled no candidates, with an end to them and without", arguments: [true, false])
    func noCandidates(ends: Bool) throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        call.signal = { index, candidate in
            index == 0 || (ends && candidate == nil) ? (index == 0 ? .none : .some(nil)) : .none
        }
        try call.start()
        call.run(until: { call.caller.state == .failed }, atMost: .seconds(60))
        let report = try call.report()
        #expect(report.diagnosis.outcome == (call.caller.state == .failed ? .failed : .unfinished))
        let finding = try #require(report.diagnosis.findings.first)
        #expect(finding.code == "no-remote-candidates")
        #expect(finding.title == "the peer signalled no candidates")
        #expect(finding.evidence[0].text.contains("no more candidates") == ends)
    }

    @Test("The credentials never came")
    func noCredentials() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        call.caller.gatherCandidates()
        call.caller.processCandidates()
        call.callee.gatherCandidates()
        call.run(until: { false }, atMost: .seconds(60))
        call.caller.close()
        call.run(until: { false }, atMost: .milliseconds(1))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .unfinished)
        #expect(report.headline.hasPrefix("Closed by the application after 1 min"))
        #expect(report.diagnosis.findings.first?.code == "no-remote-credentials")
    }

    @Test("A STUN server that is silent costs a remark, not the call")
    func silentServer() throws {
        let scene = try Scene()
        scene.turn.isSilent = true
        let call = TracedCall(scene.network, scene.hosts(), servers: try scene.servers("stun:192.0.2.10"))
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .connected)
        let remark = try #require(report.diagnosis.remarks.first { $0.code == "server-701" })
        #expect(remark.title == "STUN server unreachable (701): stun:192.0.2.10")
    }

    @Test("A relay that lets the peer's address in not at all")
    func permissionRefused() throws {
        let scene = try Scene()
        scene.turn.fail(.createPermission, with: .forbidden, times: 1000)
        let call = TracedCall(
            scene.network, scene.hosts(.symmetric, .symmetric), servers: try scene.servers("turn:192.0.2.10")
        ) { $0.transportPolicy = .relay }
        try call.start()
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .failed } }))
        let finding = try #require(try call.report().diagnosis.findings.first)
        #expect(finding.code == "permissionRefused")
        #expect(finding.title.contains("refused permission"))
    }

    @Test("The peer's checks come, and nothing of ours gets out")
    func oneWay() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        scene.network.interceptor = { $0.sender == "caller" ? .drop : .pass }
        try call.start()
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .failed } }))
        let report = try call.report()
        #expect(report.diagnosis.findings.first?.code == "one-way")
        #expect(try call.report(1).diagnosis.findings.first?.code == "silence")
    }

    @Test("Candidates of another address family: no pair, and why")
    func families() throws {
        let scene = try Scene()
        let a = scene.network.makeHost("a", addresses: ["203.0.113.1"])
        let b = scene.network.makeHost("b", addresses: ["2001:db8::2"])
        let call = TracedCall(scene.network, [a, b])
        try call.start()
        #expect(call.run(until: { call.clients.allSatisfy { $0.state == .failed } }))
        let finding = try #require(try call.report().diagnosis.findings.first)
        #expect(finding.code == "no-pairs")
        #expect(finding.evidence.map(\.text).joined().contains("IPv4"))
        #expect(finding.evidence.map(\.text).joined().contains("IPv6"))
    }

    @Test("Candidates for TCP where this side has none of the kind: why, and what to set")
    func otherTransport() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        call.signal = { index, candidate in
            guard index == 1, let candidate else { return .none }
            return .some(try? Candidate("candidate:1 1 tcp 1 \(candidate.address.ip) 9 typ host tcptype active"))
        }
        try call.start()
        #expect(call.run(until: { call.callee.state == .failed || call.caller.state == .failed }))
        let finding = try #require(try call.report().diagnosis.findings.first)
        #expect(finding.code == "no-usable-candidate")
        #expect(finding.evidence.map(\.text).joined().contains("are for TCP, which this side does not use"))
        #expect(finding.advice.joined().contains("transports"))
    }

    @Test("Checks that were never started")
    func noChecks() throws {
        let scene = try Scene()
        let call = TracedCall(scene.network, scene.hosts())
        try call.caller.setRemoteParameters(call.callee.localParameters)
        for client in call.clients { client.gatherCandidates() }
        call.run(until: { false }, atMost: .seconds(5))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .unfinished)
        #expect(report.diagnosis.findings.first?.code == "no-checks")
    }

    @Test("Hundreds of pairs: all are told, a few at first sight")
    func manyPairs() throws {
        let scene = try Scene()
        let hosts = [1, 2].map { (number: UInt32) in
            scene.network.makeHost(
                "many\(number)", addresses: (1...18).map { IPAddress(v4: 0xc633_6400 | number << 5 | $0) })
        }
        // Only one address of each side is connected to the rest of the world.
        scene.network.interceptor = {
            [$0.source, $0.destination].allSatisfy { $0.ip.bytes[3] & 31 == 7 } ? .pass : .drop
        }
        let call = TracedCall(scene.network, hosts) { $0.maximumCandidatePairs = 400 }
        try call.start()
        #expect(call.run(until: { call.isCompleted }))
        let report = try call.report()
        #expect(report.diagnosis.outcome == .connected)
        #expect(report.call.pairs.count > 200)
        #expect(PairRecord.byInterest(report.call.pairs)[0].id == call.caller.selectedPair()?.id)
        let page = report.html()
        #expect(page.contains("<summary>\(report.call.pairs.count - Timeline.pairLimit) more pairs</summary>"))
        for pair in report.call.pairs { #expect(page.contains("<td>\(pair.id)</td>")) }
    }
}

import Foundation
import ICE
import ICETesting
import Testing

@Suite("Statistics as JSON")
struct StatisticsJSONTests {
    typealias Object = [String: Any]

    static func object(_ statistics: ICEStatistics) throws -> Object {
        let data = try JSONEncoder().encode(statistics)
        return try #require(try JSONSerialization.jsonObject(with: data) as? Object)
    }

    @Test("Objects have the names that getStats() gives them")
    func names() throws {
        let call = StatisticsTests.call()
        try call.caller.send("hello")
        try call.callee.send("hello")
        call.network.run(for: .seconds(1))
        let object = try Self.object(call.caller.statistics())
        #expect(object["packetsSent"] as? Int == 1)
        let transport = try #require(object["transport"] as? Object)
        #expect(
            Set(transport.keys) == [
                "type", "id", "timestamp", "packetsSent", "packetsReceived", "bytesSent", "bytesReceived", "iceRole",
                "iceLocalUsernameFragment", "iceState", "selectedCandidatePairId", "selectedCandidatePairIds",
                "selectedCandidatePairChanges",
            ])
        #expect(transport["type"] as? String == "transport")
        #expect(transport["iceRole"] as? String == "controlling")
        #expect(transport["iceState"] as? String == "completed")
        let pair = try #require((object["candidatePairs"] as? [Object])?.first)
        #expect(
            Set(pair.keys) == [
                "type", "id", "timestamp", "transportId", "localCandidateId", "remoteCandidateId", "stream",
                "component", "priority", "state", "nominated", "selected", "packetsSent", "packetsReceived",
                "bytesSent", "bytesReceived", "lastPacketSentTimestamp", "lastPacketReceivedTimestamp",
                "totalRoundTripTime", "currentRoundTripTime", "roundTripTimeMeasurements", "requestsReceived",
                "requestsSent", "responsesReceived", "responsesSent", "retransmissionsSent", "consentRequestsSent",
                "packetsDiscardedOnSend", "bytesDiscardedOnSend",
            ])
        #expect(pair["type"] as? String == "candidate-pair")
        #expect(pair["state"] as? String == "succeeded")
        #expect(pair["nominated"] as? Bool == true)
        #expect(pair["id"] as? String == transport["selectedCandidatePairId"] as? String)
        #expect(pair["transportId"] as? String == transport["id"] as? String)
        let local = try #require((object["localCandidates"] as? [Object])?.first)
        #expect(
            Set(local.keys) == [
                "type", "id", "timestamp", "transportId", "stream", "component", "address", "port", "protocol",
                "candidateType", "priority", "foundation", "usernameFragment",
            ])
        #expect(local["type"] as? String == "local-candidate")
        #expect(local["protocol"] as? String == "udp")
        #expect(local["candidateType"] as? String == "host")
        #expect(local["address"] as? String == "192.0.2.1")
        #expect(local["id"] as? String == pair["localCandidateId"] as? String)
        let remote = try #require((object["remoteCandidates"] as? [Object])?.first)
        #expect(remote["type"] as? String == "remote-candidate")
        #expect(remote["id"] as? String == pair["remoteCandidateId"] as? String)
    }

    @Test("What is being checked is in-progress, and what never worked has no round trip")
    func states() throws {
        let call = try ScriptedCall()
        call.peer.answer = { _, _, _ in nil }
        #expect(try !call.connect())
        let pair = try #require((Self.object(call.client.statistics())["candidatePairs"] as? [Object])?.first)
        #expect(pair["state"] as? String == "in-progress")
        #expect(pair["currentRoundTripTime"] == nil)
        #expect(pair["lastPacketSentTimestamp"] == nil)
        #expect(pair["totalRoundTripTime"] as? Double == 0)
    }

    @Test("Neither password is in it")
    func secrets() throws {
        let call = StatisticsTests.call()
        let text = try #require(String(data: JSONEncoder().encode(call.caller.statistics()), encoding: .utf8))
        #expect(text.contains(call.caller.localParameters.usernameFragment))
        for client in call.clients { #expect(!text.contains(client.localParameters.password)) }
    }
}

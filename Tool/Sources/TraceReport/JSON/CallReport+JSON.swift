import Foundation

extension CallReport {
    /// The analysis as a JSON object with sorted keys; times are milliseconds since the client was made.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Summary(self)), as: UTF8.self)
    }
}

/// What programs are told: the verdict, its reasons, and the sums.
private struct Summary: Encodable {
    struct Candidate: Encodable {
        let id: String
        let address: String
        let type: String
        let generation: Int
        let stream: Int
        let component: Int
        let time: Double
        let origin: CandidateRecord.Origin
        let url: String?
        let ignoredBecause: String?
        let removedAt: Double?

        init(_ record: CandidateRecord) {
            (id, address, type, generation) = (record.id, record.place, record.kind, record.generation)
            (stream, component, time) = (record.path.stream, record.path.component, record.time)
            (origin, url) = (record.origin, record.url)
            (ignoredBecause, removedAt) = (record.ignoredBecause, record.removedAt)
        }
    }

    struct Pair: Encodable {
        let id: String
        let local: String
        let remote: String
        let generation: Int
        let stream: Int
        let component: Int
        let state: String
        let reason: String?
        let message: String?
        let requestsSent: Int
        let retransmissions: Int
        let answersReceived: Int
        let answersDisregarded: Int
        let requestsReceived: Int
        let firstRoundTripTime: Double?
        let lastRoundTripTime: Double?
        let nominatedAt: [Double]
        let selectedAt: [Double]
        let removedAt: Double?

        init(_ record: PairRecord) {
            (id, local, remote) = (record.id, record.local, record.remote)
            (generation, stream, component) = (record.generation, record.path.stream, record.path.component)
            (state, reason, message) = (record.state, record.failure?.reason, record.failure?.message)
            (requestsSent, retransmissions) = (record.requestsSent, record.retransmissions)
            (answersReceived, requestsReceived) = (record.answers, record.received.count)
            answersDisregarded = record.checks.reduce(0) { $0 + $1.disregarded.count }
            (firstRoundTripTime, lastRoundTripTime) = (record.roundTrips.first, record.roundTrips.last)
            (nominatedAt, selectedAt, removedAt) = (record.nominatedAt, record.selectedAt, record.removedAt)
        }
    }

    struct State: Encodable {
        let time: Double
        let state: String
        let reason: String?
        let message: String?
    }

    struct Span: Encodable {
        let start: Double
        let end: Double?
    }

    let file: String
    let outcome: Diagnosis.Outcome
    let headline: String
    let connectedAt: Double?
    let findings: [Finding]
    let remarks: [Finding]
    let notes: [String]
    let events: Int
    let unknownEvents: [String: Int]
    let end: Double
    let role: String?
    let generations: Int
    let gathering: [Span]
    let states: [State]
    let localCandidates: [Candidate]
    let remoteCandidates: [Candidate]
    let pairs: [Pair]

    init(_ report: CallReport) {
        let (call, diagnosis) = (report.call, report.diagnosis)
        file = report.trace.name
        (outcome, headline) = (diagnosis.outcome, diagnosis.headline)
        (findings, remarks) = (diagnosis.findings, diagnosis.remarks)
        connectedAt = call.firstConnected?.time
        notes = report.trace.notes
        events = report.trace.events.count
        unknownEvents = call.unknown
        (end, role, generations) = (call.end, call.role, call.generations.count)
        gathering = call.gatherings.map { Span(start: $0.start, end: $0.end) }
        states = call.states.map { State(time: $0.time, state: $0.state, reason: $0.reason, message: $0.message) }
        localCandidates = call.local.map(Candidate.init)
        remoteCandidates = call.remote.map(Candidate.init)
        pairs = PairRecord.byInterest(call.pairs).map(Pair.init)
    }
}

import ICE

/// Gathers once, tells what comes, and sums it up.
final class GatherRun {
    private let client: ICEClient
    private let loop: EventLoop
    private let console: Console
    private let start: Instant
    private var candidates: [CandidateFinding] = []
    private var errors: [ServerErrorFinding] = []
    private var isComplete = false

    init(client: ICEClient, loop: EventLoop, console: Console) {
        self.client = client
        self.loop = loop
        self.console = console
        start = loop.now
    }

    func run(atMost limit: Duration) -> GatherSummary {
        client.onCandidate = { [unowned self] candidate in
            if let candidate { found(candidate) } else { isComplete = true }
        }
        client.onCandidateError = { [unowned self] error in failed(error) }
        let clock = Timer(on: loop) { [unowned self] in showProgress() }
        if console.isLive { clock.start(after: .milliseconds(100), repeating: .milliseconds(100)) }
        client.gatherCandidates()
        _ = loop.run(until: { isComplete }, atMost: limit)
        clock.close()
        client.close()
        let summary = GatherSummary(
            urls: client.configuration.servers.flatMap(\.urls), policy: client.configuration.transportPolicy,
            candidates: candidates, errors: errors, milliseconds: elapsed)
        console.say()
        console.tell(summary)
        return summary
    }

    private var elapsed: Double { (loop.now - start).roundedMilliseconds }

    private func found(_ candidate: Candidate) {
        // Which server a candidate is from stands in the statistics alone.
        let counted = client.statistics().localCandidates.first {
            $0.kind == candidate.kind && $0.port == candidate.address.port
                && $0.address == candidate.address.ip.scoped(to: 0).description
        }
        let finding = CandidateFinding(
            candidate, server: counted?.url, relayProtocol: counted?.relayProtocol, milliseconds: elapsed)
        candidates.append(finding)
        console.tell(finding)
    }

    private func failed(_ error: CandidateError) {
        let finding = ServerErrorFinding(error, milliseconds: elapsed)
        errors.append(finding)
        console.tell(finding)
    }

    private func showProgress() {
        let heard = Set(candidates.compactMap(\.server) + errors.map(\.url))
        let silent = client.configuration.servers.flatMap(\.urls).filter { !heard.contains($0) }
        let rest = silent.isEmpty ? "" : "; nothing yet from \(silent.joined(separator: ", "))"
        console.show(status: "gathering, \(Quantity.milliseconds(elapsed))\(rest)")
    }
}

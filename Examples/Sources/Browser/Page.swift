import Foundation
import ICE

/// One page: its ICE client answers the offers of the page's peer connection, and tells the page how it stands.
final class Page {
    private let number: Int
    private let client: ICEClient
    private let outbox: PageServer.Outbox

    init(number: Int, loop: EventLoop, configuration: ICEConfiguration, outbox: PageServer.Outbox) {
        self.number = number
        self.outbox = outbox
        client = ICEClient(loop: loop, configuration: configuration)
        listen()
        say("is open")
    }

    func close() {
        client.close()
        outbox.finish()
        say("is closed")
    }

    private func listen() {
        client.onCandidate = { [unowned self] candidate in
            var message = PageMessage("candidate")
            message.candidate = client.signalled(candidate)
            message.send(to: outbox)
        }
        client.onStateChange = { [unowned self] state in
            say("is \(state.rawValue)")
            var message = PageMessage("state")
            message.state = state
            message.reason = client.failure?.description
            message.send(to: outbox)
        }
        // A browser that restarts pairs its new candidates with ours of before until it has our answer. A pair that we answer on in the
        // meantime it keeps, with the old credentials.
        client.shouldAcceptBindingRequest = { [unowned client] request in
            request.remoteUsernameFragment == client.remoteParameters?.usernameFragment
        }
        client.onSelectedPairChange = { [unowned self] pair in say("has the pair \(pair)") }
        client.onPairFailed = { [unowned self] pair, reason in
            var message = PageMessage("pair-failed")
            message.reason = "\(pair): \(reason)"
            message.send(to: outbox)
        }
    }

    func hear(_ text: String) {
        do {
            let request = try JSONDecoder().decode(PageRequest.self, from: Data(text.utf8))
            switch request.type {
            case .offer: try answer(request.sdp ?? "")
            case .candidate:
                guard let candidate = request.candidate else { return }
                try client.addRemoteCandidate(candidate)
            case .statistics:
                var message = PageMessage("statistics")
                message.gathering = client.gatheringState
                message.statistics = client.statistics()
                message.send(to: outbox)
            }
        } catch {
            PageMessage.error("\(error)").send(to: outbox)
        }
    }

    /// Takes the offer of a new call, or of an ICE restart. The page controls, since it offers.
    private func answer(_ offer: String) throws {
        let offer = try SessionDescription(offer)
        let isRestart = client.remoteParameters != nil
        if isRestart { client.restart() }
        try client.setRemoteDescription(offer)
        if !isRestart {
            let stream = Self.dataChannel(named: offer.media.first?.mid)
            try client.setLocalDescription(SessionDescription(parameters: client.localParameters, media: [stream]))
            client.processCandidates()
        }
        var message = PageMessage("answer")
        message.sdp = client.localDescription.description
        message.send(to: outbox)
    }

    /// What a browser wants to read before it begins with ICE. The fingerprint is made up: there is no DTLS here, and its handshake, which
    /// the browser begins as soon as there is a path, is never answered.
    private static func dataChannel(named mid: String?) -> MediaDescription {
        var stream = MediaDescription(
            kind: "application", proto: "UDP/DTLS/SCTP", formats: ["webrtc-datachannel"], mid: mid)
        let fingerprint = [String](repeating: "AA", count: 32).joined(separator: ":")
        stream.otherLines = ["a=setup:passive", "a=fingerprint:sha-256 \(fingerprint)", "a=sctp-port:5000"]
        return stream
    }

    private func say(_ text: String) { show("page \(number) \(text)") }
}

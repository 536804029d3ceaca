import ICE

// What people see while it goes on.
extension ConnectRun {
    func showProgress() {
        guard !isOver, !isLeaving else { return }
        // What scrolls away is told less often than what is written over.
        if console.isLive {
            // A line that is being pasted is not to be written over.
            if let progress { console.show(status: progress) }
            return
        }
        guard peer != nil, elapsed - lastShown >= (hasConnected ? 1000 : 5000), let progress else { return }
        lastShown = elapsed
        console.say("           \(progress)")
    }

    /// What may be why nothing answers, where people carry the lines: one of two is easily forgotten.
    var doubt: String? { signalling.place == nil ? "has the other side got this side's line?" : nil }

    private var progress: String? {
        guard invitation != nil else { return "gathering, \(Quantity.milliseconds(elapsed))" }
        guard peer != nil else { return signalling.place.map { "waiting in \($0) for the other side" } }
        guard hasConnected else {
            let doubt = elapsed < 5000 ? nil : doubt.map { "; \($0)" }
            return "\(client.state.rawValue), \(Int(elapsed / 1000)) s, no answer yet\(doubt ?? "")"
        }
        let times = pinger.trips.times.map { "round trip \($0.text)" } ?? "no answer yet"
        let latest = pinger.latest.map { "now \(Quantity.milliseconds($0)), " } ?? ""
        let load = measurement?.progress.map { ", \($0)" } ?? ""
        return "\(latest)\(times), \(Quantity.pings(pinger.trips.sent)), \(Quantity.percent(pinger.loss)) lost\(load)"
    }
}

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
        guard hasConnected, elapsed - lastShown >= 1000, let progress else { return }
        lastShown = elapsed
        console.say("           \(progress)")
    }

    private var progress: String? {
        guard invitation != nil else { return "gathering, \(Quantity.milliseconds(elapsed))" }
        guard peer != nil else { return signalling is PastedLines ? nil : "waiting for the other side" }
        guard hasConnected else { return "\(client.state.rawValue), \(Int(elapsed / 1000)) s" }
        let times = pinger.trips.times.map { "round trip \($0.text)" } ?? "no answer yet"
        let latest = pinger.latest.map { "now \(Quantity.milliseconds($0)), " } ?? ""
        let load = measurement?.progress.map { ", \($0)" } ?? ""
        return "\(latest)\(times), \(pinger.trips.sent) pings, \(Quantity.percent(pinger.loss)) lost\(load)"
    }
}

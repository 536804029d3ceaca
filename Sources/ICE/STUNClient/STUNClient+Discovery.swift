import NetBase
public import STUN

extension STUNClient {
    /// Finds out how NATs and firewalls on the way to the server treat UDP (RFC 5780): mapping, filtering, hairpinning, and on request the
    /// lifetime of mappings.
    ///
    /// ```swift
    /// let client = try STUNClient(loop: loop, configuration: STUNClientConfiguration(host: "stun.example.org"))
    /// client.discoverNATBehavior { result in
    ///     switch result {
    ///     case .success(let report): print(report.verdict)  // "direct calls to most peers will work; it needs …"
    ///     case .failure(let error): print(error)
    ///     }
    /// }
    /// ```
    ///
    /// The server must have two addresses and name the other in OTHER-ADDRESS; with another server the report says what can be told
    /// without. It takes 5 to 10 s, sends at most ten new requests a second and 64 in all, from sockets of its own: the configuration's
    /// local port, if there is one, is that of the mapping tests. Credentials are those of the configuration.
    ///
    /// The result comes once, on a later turn of the loop, and not at all after ``clear()`` or ``close()``. That nothing comes back over
    /// UDP is a report too. Errors are ``STUNClientError/Code/invalidConfiguration`` where the transport is not UDP,
    /// ``STUNClientError/Code/tooManyRequests`` while another discovery runs, and those of requests.
    public func discoverNATBehavior(
        _ options: NATDiscoveryOptions = NATDiscoveryOptions(),
        onResult: @escaping (Result<NATReport, STUNClientError>) -> Void
    ) {
        guard !isClosed else { return }
        guard configuration.transport == .udp else {
            let advice = "only what NATs do to UDP can be found out: set the transport to .udp"
            return refuse(STUNClientError(.invalidConfiguration, advice), onResult)
        }
        guard discovery == nil else {
            return refuse(STUNClientError(.tooManyRequests, "a discovery runs already: wait for its result"), onResult)
        }
        let run = NATDiscoveryRun(platform: platform, configuration: configuration, options: options)
        run.onDeadlineChange = { [weak self] in self?.setAlarm() }
        run.onResult = { [weak self] result in
            guard let self else { return }
            discovery = nil
            setAlarm()
            onResult(result)
        }
        discovery = run
        run.start()
    }

    private func refuse(
        _ error: STUNClientError, _ onResult: @escaping (Result<NATReport, STUNClientError>) -> Void
    ) {
        let epoch = epoch
        platform.enqueue { [weak self] in
            guard let self, epoch == self.epoch else { return }
            onResult(.failure(error))
        }
    }
}

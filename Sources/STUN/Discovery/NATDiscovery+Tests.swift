import NetBase

/// What became of the two filtering tests of RFC 5780 §4.4, until the mapping tests have shown whether the server's second address is
/// there at all.
struct FilterFindings {
    enum Finding { case came, stayedAway }
    var byAddress: Finding?
    var byPort: Finding?
}

extension NATDiscovery {
    mutating func take(_ answer: NATAnswer, to question: NATQuestion, at now: Instant) {
        switch question.test {
        case .connectivity: takeConnectivity(answer)
        case .filteringByAddress: filters.byAddress = finding(answer)
        case .filteringByPort: filters.byPort = finding(answer)
        case .hairpinOpening: takeHairpinOpening(answer, at: now)
        case .hairpinForth, .hairpinBack: takeHairpin(answer)
        case .mappingByAddress: takeMappingByAddress(answer, at: now)
        case .mappingByPort: takeMappingByPort(answer)
        case .lifetimeControl, .lifetimeOpening, .lifetimeProbe: takeLifetime(answer, to: question.test, at: now)
        }
    }

    // MARK: Connectivity

    private mutating func takeConnectivity(_ answer: NATAnswer) {
        switch answer {
        case .response(let message, _):
            guard let mapped = mappedAddress(in: message) else { return finish(.failed(.malformedResponse)) }
            report.publicAddress = mapped
            // "If this address and port are the same as the local IP address and port of the socket used to send the request, the client
            // knows that it is not NATed" (§4.3).
            if mapped == report.localAddress.unscoped { report.mapping = .noNAT }
            takeOtherAddress(message[STUNMessage.OtherAddress.self]?.address)
        case .error(let error): finish(.refused(error))
        case .failed(.timeout): finish(.report(report))
        case .failed(let failure): finish(.failed(failure))
        case .unreachable, .misplaced, .echo: finish(.unreachable)
        }
    }

    private mutating func takeOtherAddress(_ named: TransportAddress?) {
        // "If OTHER-ADDRESS is not returned, the server does not support this usage and this test cannot be run" (§4.3).
        guard let named else { return note(.noOtherAddress) }
        let address = TransportAddress(named.ip.scoped(to: server.ip.scopeID), port: named.port)
        let ours = [report.localAddress.ip, report.publicAddress?.ip]
        guard address.isAskable(for: server), address.ip != server.ip, address.port != server.port,
            !ours.contains(address.ip)
        else { return note(.unusableOtherAddress(named)) }
        other = address
    }

    // MARK: Filtering

    mutating func askAboutFiltering(at now: Instant) {
        guard let other else { return }
        var byAddress = question(.filteringByAddress, from: .addressFilter)
        byAddress.change = STUNMessage.ChangeRequest(changesIP: true, changesPort: true)
        byAddress.origin = other
        probes.ask(byAddress, at: now)
        var byPort = question(.filteringByPort, from: .portFilter)
        byPort.change = STUNMessage.ChangeRequest(changesIP: false, changesPort: true)
        byPort.origin = TransportAddress(server.ip, port: other.port)
        probes.ask(byPort, at: now)
    }

    private mutating func finding(_ answer: NATAnswer) -> FilterFindings.Finding? {
        switch answer {
        case .response: return .came
        case .failed(.timeout): return .stayedAway
        case .error(let error): note(.changeRequestRefused(code: error.code))
        case .misplaced: note(.changeRequestMisanswered)
        case .failed, .unreachable, .echo: note(.unanswered)
        }
        return nil
    }

    /// Silence tells of a filter only where the server's second address is heard of otherwise.
    mutating func concludeFiltering() {
        let isOtherSilent = report.gaps.contains(.otherAddressSilent)
        switch (filters.byAddress, filters.byPort) {
        case (.came, _): report.filtering = .endpointIndependent
        case (.stayedAway, .came) where !isOtherSilent: report.filtering = .addressDependent
        case (.stayedAway, .stayedAway) where !isOtherSilent: report.filtering = .addressAndPortDependent
        default: break
        }
    }

    // MARK: Mapping

    mutating func askAboutMapping(at now: Instant) {
        guard let other else { return }
        let destination = TransportAddress(other.ip, port: server.port)
        probes.ask(NATQuestion(.mappingByAddress, from: .first, to: destination), at: now)
    }

    private mutating func takeMappingByAddress(_ answer: NATAnswer, at now: Instant) {
        guard let mapped = mappedAddress(in: answer) else { return }
        secondAnswer = mapped
        guard report.mapping == nil, let other else { return }
        // "If the XOR-MAPPED-ADDRESS in the Binding Response is the same as test I the NAT currently has Endpoint-Independent Mapping. If
        // not, test III is performed" (§4.3).
        if mapped == report.publicAddress {
            report.mapping = .endpointIndependent
        } else {
            probes.ask(NATQuestion(.mappingByPort, from: .first, to: other), at: now)
        }
    }

    private mutating func takeMappingByPort(_ answer: NATAnswer) {
        guard let mapped = mappedAddress(in: answer) else { return }
        report.mapping = mapped == secondAnswer ? .addressDependent : .addressAndPortDependent
    }

    private mutating func mappedAddress(in answer: NATAnswer) -> TransportAddress? {
        switch answer {
        case .response(let message, _):
            if let mapped = mappedAddress(in: message) { return mapped }
            note(.unanswered)
        case .failed(.timeout), .unreachable: note(.otherAddressSilent)
        case .error, .failed, .misplaced, .echo: note(.unanswered)
        }
        return nil
    }
}

// MARK: - Hairpinning

extension NATDiscovery {
    mutating func askAboutHairpinning(at now: Instant) {
        guard options.testsHairpinning, report.mapping != .noNAT, let mapped = report.publicAddress,
            mapped.isAskable(for: server), mapped.ip != server.ip
        else { return }
        probes.ask(question(.hairpinOpening, from: .second), at: now)
    }

    /// Each end sends to the other, so that a filter that hairpinned packets pass too lets them in.
    private mutating func takeHairpinOpening(_ answer: NATAnswer, at now: Instant) {
        guard case .response(let message, _) = answer, let second = mappedAddress(in: message),
            let first = report.publicAddress, second.isAskable(for: server), second.ip != server.ip
        else { return note(.unanswered) }
        report.hairpins = false
        for (test, socket, destination) in [
            (NATTest.hairpinForth, Socket.second, first), (.hairpinBack, .first, second),
        ] {
            var question = NATQuestion(test, from: socket, to: destination)
            question.echoOrigins = [first.ip, second.ip, report.localAddress.ip]
            probes.ask(question, at: now)
        }
    }

    private mutating func takeHairpin(_ answer: NATAnswer) {
        guard case .echo = answer else { return }
        report.hairpins = true
        probes.withdraw(.hairpinForth)
        probes.withdraw(.hairpinBack)
    }
}

import CSwiftICE
import ICE

/// What a `swift_ice_client` points to: a client, and the functions of C that it tells.
///
/// The handle has one retain, from `swift_ice_client_create` to `swift_ice_client_free`. A callback may give it back: what calls it holds it
/// until the callback has returned.
@safe
final class ClientHandle {
    let loop: LoopHandle
    /// Nil once closed.
    private(set) var client: ICEClient?
    private var callbacks: swift_ice_config?
    private var localTexts: LocalTexts?

    init(on loop: LoopHandle, _ settings: ClientSettings) {
        self.loop = loop
        client = ICEClient(loop: loop.loop, configuration: settings.configuration)
        unsafe callbacks = unsafe settings.callbacks
        listen()
        loop.keep(self)
    }

    deinit { close() }

    /// Ends the session: nothing is told any more.
    func close() {
        client?.close()
        client = nil
        unsafe callbacks = nil
        // C may still read the texts that it has, until it gives the handle back.
    }

    /// Does something with the client, if it is open, and returns the code for what came of it.
    func perform(_ work: (ICEClient) throws -> Void) -> Int32 {
        guard let client else { return loop.note(Fault(.closed, "the client is closed; make a new one")) }
        do {
            try work(client)
            return Status.ok.rawValue
        } catch {
            return loop.note(Fault(error))
        }
    }

    // MARK: What is signalled

    /// What C has been told of a generation: the texts live until the next one's are asked for.
    struct LocalTexts {
        let parameters: ICEParameters
        let usernameFragment: OwnedText
        let password: OwnedText
        let options: OwnedText

        init(_ parameters: ICEParameters) {
            self.parameters = parameters
            usernameFragment = OwnedText(parameters.usernameFragment)
            password = OwnedText(parameters.password)
            options = OwnedText(parameters.options.joined(separator: " "))
        }
    }

    func localText(_ text: KeyPath<LocalTexts, OwnedText>) -> UnsafePointer<CChar>? {
        guard let client else {
            _ = loop.note(Fault(.closed, "the client is closed; make a new one"))
            return nil
        }
        let parameters = client.localParameters
        let texts = localTexts?.parameters == parameters ? localTexts : nil
        let current = texts ?? LocalTexts(parameters)
        localTexts = current
        return unsafe current[keyPath: text].pointer
    }

    // MARK: From the client

    private func listen() {
        client?.onCandidate = { [weak self] candidate in self?.tell(candidate) }
        client?.onCandidateRemoved = { [weak self] candidate in
            guard let self, let callbacks = unsafe callbacks else { return }
            unsafe callbacks.on_candidate_removed?(callbacks.user_data, candidate.description)
        }
        client?.onCandidateError = { [weak self] error in self?.tell(error) }
        client?.onStateChange = { [weak self] state in self?.tell(state) }
        client?.onSelectedPairChange = { [weak self] pair in
            guard let self, let callbacks = unsafe callbacks else { return }
            unsafe callbacks.on_selected_pair?(
                callbacks.user_data, pair.local.description, pair.remote.description)
        }
        client?.onPairNominated = { [weak self] pair in
            guard let self, let callbacks = unsafe callbacks else { return }
            unsafe callbacks.on_nominated_pair?(
                callbacks.user_data, pair.local.description, pair.remote.description)
        }
        client?.onPairFailed = { [weak self] pair, failure in
            guard let self, let callbacks = unsafe callbacks else { return }
            unsafe callbacks.on_failed_pair?(
                callbacks.user_data, pair.local.description, pair.remote.description, failure.description)
        }
        client?.onRestartNeeded = { [weak self] reason in
            guard let self, let callbacks = unsafe callbacks else { return }
            unsafe callbacks.on_restart_needed?(callbacks.user_data, reason.description)
        }
        client?.onData = { [weak self] bytes, _ in
            guard let self, let callbacks = unsafe callbacks else { return }
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe callbacks.on_data?(callbacks.user_data, bytes.baseAddress, bytes.count)
            }
        }
    }

    private func tell(_ candidate: Candidate?) {
        guard let callbacks = unsafe callbacks else { return }
        if let candidate {
            unsafe callbacks.on_candidate?(callbacks.user_data, candidate.description)
        } else {
            unsafe callbacks.on_candidate?(callbacks.user_data, nil)
        }
    }

    private func tell(_ state: ICEState) {
        guard let callbacks = unsafe callbacks else { return }
        if state == .failed {
            unsafe callbacks.on_state?(callbacks.user_data, state.number, client?.toldFailure?.description ?? "")
        } else {
            unsafe callbacks.on_state?(callbacks.user_data, state.number, nil)
        }
    }

    private func tell(_ error: CandidateError) {
        guard let callbacks = unsafe callbacks else { return }
        unsafe error.url.withCString { url in
            unsafe error.description.withCString { text in
                var told = unsafe swift_ice_candidate_error(url: url, code: Int32(error.errorCode), text: text)
                unsafe callbacks.on_candidate_error?(callbacks.user_data, &told)
            }
        }
    }
}

import ICE
import Measuring

/// What all calls of one end have in common: the loop, the way to the other end, and on the serving side the port.
final class CallEnd {
    let loop: EventLoop
    let channel: Channel
    let isServer: Bool
    let echoes: Echoes
    /// How many calls begin at once.
    let slice: Int
    private let port: SharedPort?
    private let configuration: ICEConfiguration
    private var strangers = 0

    init(loop: EventLoop, isServer: Bool, options: Options) throws {
        self.loop = loop
        self.isServer = isServer
        channel = Channel(descriptor: options.number("signal"))
        slice = options.number("slice", default: 250)
        echoes = Echoes(loop: loop, isAnswering: isServer)
        configuration = .measured(
            role: isServer ? .controlled : .controlling, isLite: isServer && options["lite"] == "yes")
        port = isServer ? try SharedPort(loop: loop, configuration: .measured) : nil
        // A server asks who that is; here nobody is let in.
        port?.onUnknownUsername = { [unowned self] _ in strangers += 1 }
    }

    func makeClient() -> ICEClient {
        guard let port else { return ICEClient(loop: loop, configuration: configuration) }
        do { return try ICEClient(port: port, configuration: configuration) } catch { Options.refuse("\(error)") }
    }
}

import ICE
import Measuring

/// A client's parameters and candidates on one line.
struct Offer {
    let parameters: ICEParameters
    let candidates: [String]

    init(of client: ICEClient) {
        parameters = client.localParameters
        candidates = client.localCandidates.map { "\($0)" }
    }

    init(_ line: String) {
        let fields = line.split(separator: "|").map(String.init)
        guard fields.count >= 3,
            let credentials = try? Credentials(usernameFragment: fields[0], password: fields[1])
        else { Options.refuse("the other process sent no offer: \(line)") }
        parameters = ICEParameters(credentials: credentials, isLite: fields[2] == "lite")
        candidates = Array(fields[3...])
    }

    var line: String {
        let kind = parameters.isLite ? "lite" : "full"
        return ([parameters.usernameFragment, parameters.password, kind] + candidates).joined(separator: "|")
    }
}

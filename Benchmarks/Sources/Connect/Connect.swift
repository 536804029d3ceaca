import ICE
import ICETesting
import Measuring

/// Connect times in virtual time, where a round trip is what it is said to be and computing takes none: `bench-connect all`.
@main
struct Connect {
    static func main() throws {
        for place in Place.allCases {
            for roundTrip in [20, 100, 300] {
                for profile in Profile.all {
                    let call = try MeasuredCall(at: place, roundTrip: .milliseconds(roundTrip), profile: profile)
                    let times = call.connect()
                    ResultLine("connect").with("place", place.rawValue).with("roundTrip", roundTrip)
                        .with("profile", profile.name).with("connected", times.connected)
                        .with("completed", times.completed).write()
                }
            }
        }
    }
}

/// Where the two ends are.
enum Place: String, CaseIterable {
    case open = "no NAT"
    case natted = "both behind port-restricted NATs"
}

/// How checks are paced, and when a pair is nominated.
struct Profile {
    let name: String
    let pacing: PacingProfile
    let nomination: ICEConfiguration.Nomination

    static let all = [
        Profile(name: ".standard, .regular", pacing: .standard, nomination: .regular),
        Profile(name: ".fast, .eager", pacing: .fast, nomination: .eager),
        Profile(name: ".server, .regular", pacing: .server, nomination: .regular),
        Profile(name: ".server, .eager", pacing: .server, nomination: .eager),
    ]
}

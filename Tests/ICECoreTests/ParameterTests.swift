import NetBase
import Testing

@testable import ICECore

@Suite("Priorities, roles, credentials and pacing")
struct ParameterTests {
    @Test(
        "C1.4: candidate priorities are RFC 8445 §5.1.2.1's numbers",
        arguments: [
            (Candidate.Kind.host, 65535, 1, 2_130_706_431), (.host, 65535, 2, 2_130_706_430),
            (.peerReflexive, 65535, 1, 1_862_270_975), (.serverReflexive, 65535, 1, 1_694_498_815),
            (.relayed, 65535, 1, 16_777_215), (.host, 0, 1, 2_113_929_471), (.relayed, 0, 256, 0),
        ] as [(Candidate.Kind, UInt16, Int, UInt32)])
    func candidatePriority(kind: Candidate.Kind, preference: UInt16, component: Int, expected: UInt32) throws {
        let component = try #require(ComponentID(component))
        #expect(Candidate.priority(kind: kind, localPreference: preference, component: component) == expected)
    }

    @Test(
        "C2.2: pair priorities are RFC 8445 §6.1.2.3's, the same for both agents",
        arguments: [
            (1, 2, 4_294_967_300), (2, 1, 4_294_967_301), (5, 5, 21_474_836_490),
            (2_130_706_431, 1_694_498_815, 7_277_816_997_797_167_103), (2_147_483_647, .max, 9_223_372_041_149_743_102),
            (0, .max, 8_589_934_590),
        ] as [(UInt32, UInt32, UInt64)])
    func pairPriority(controlling: UInt32, controlled: UInt32, expected: UInt64) {
        #expect(CandidatePair.priority(local: controlling, remote: controlled, role: .controlling) == expected)
        #expect(CandidatePair.priority(local: controlled, remote: controlling, role: .controlled) == expected)
    }

    @Test(
        "A role conflict is settled by the tiebreakers (RFC 8445 §7.3.1.1)",
        arguments: [
            (Role.controlling, 7, Role.controlling, 5, RoleVerdict.senderMustSwitch),
            (.controlling, 5, .controlling, 5, .senderMustSwitch), (.controlling, 5, .controlling, 7, .switchRole),
            (.controlled, 7, .controlled, 5, .switchRole), (.controlled, 5, .controlled, 5, .switchRole),
            (.controlled, 5, .controlled, 7, .senderMustSwitch), (.controlling, 5, .controlled, 7, .noConflict),
            (.controlled, 7, .controlling, 5, .noConflict),
            (.controlling, .max, .controlling, .max - 1, .senderMustSwitch),
            (.controlled, 1 << 63, .controlled, 1, .switchRole),
        ] as [(Role, UInt64, Role, UInt64, RoleVerdict)])
    func roleConflict(own: Role, tieBreaker: UInt64, claimed: Role, other: UInt64, expected: RoleVerdict) {
        let verdict = RoleVerdict(
            own: own, tieBreaker: TieBreaker(tieBreaker), claimed: claimed, claimedTieBreaker: TieBreaker(other))
        #expect(verdict == expected)
    }

    @Test(
        "Two agents with one role and different tiebreakers end up with different ones",
        arguments: [Role.controlling, .controlled])
    func conflictConverges(role: Role) {
        let (a, b) = (TieBreaker(3), TieBreaker(9))
        let verdicts = [
            RoleVerdict(own: role, tieBreaker: a, claimed: role, claimedTieBreaker: b),
            RoleVerdict(own: role, tieBreaker: b, claimed: role, claimedTieBreaker: a),
        ]
        #expect(Set(verdicts) == [.switchRole, .senderMustSwitch])
    }

    @Test("C6.1: own credentials have the randomness of RFC 8445 §5.3, at most 32 characters of fragment, and differ")
    func ownCredentials() {
        var generator = SeededGenerator(seed: 1)
        let all = (0..<200).map { _ in Credentials(using: &generator) }
        #expect(Set(all.map(\.usernameFragment)).count == 200 && Set(all.map(\.password)).count == 200)
        for credentials in all {
            #expect(
                4...32 ~= credentials.usernameFragment.utf8.count && credentials.usernameFragment.utf8.count * 6 >= 24)
            #expect(credentials.password.utf8.count * 6 >= 128)
            #expect((credentials.usernameFragment + credentials.password).utf8.allSatisfy { $0.isICECharacter })
        }
        // Every character of the alphabet is drawn.
        #expect(Set(all.flatMap { $0.password.utf8 }).count == 64)
    }

    private static let password = "abcdefghijklmnopqrstuv"

    @Test(
        "D2.7: credentials within RFC 8839 §5.4 are accepted, with - and _ as they have been seen",
        arguments: [
            ("abcd", password), ("a-b_", password), ("8h/Y", "a+b/c-d_e" + password),
            (String(repeating: "u", count: 256), password),
            ("abcd", String(repeating: "p", count: 256)),
        ])
    func goodCredentials(fragment: String, password: String) throws {
        let credentials = try Credentials(usernameFragment: fragment, password: password)
        #expect(credentials.usernameFragment == fragment && credentials.password == password)
        #expect(!"\(credentials)".contains(password))
    }

    @Test(
        "D2.7: credentials outside of it are refused, and the password is not shown",
        arguments: [
            ("abc", password), ("", password), (String(repeating: "u", count: 257), password), ("ab:d", password),
            ("ab d", password),
            ("abcé", password), ("abcd", "abcdefghijklmnopqrstu"), ("abcd", String(repeating: "p", count: 257)),
            ("abcd", "abcdefghijklmnopqrstu\n"), ("abcd", "abcdefghijklmnopqrstu="), ("abcd", ""),
        ])
    func badCredentials(fragment: String, password: String) throws {
        let error = try #require(throws: ICESyntaxError.self) {
            try Credentials(usernameFragment: fragment, password: password)
        }
        #expect(error.code == .malformedCredentials)
        #expect(!error.description.contains("abcdefgh") && !error.description.contains("pppp"))
    }

    @Test(
        "C1.7: the larger Ta wins, and silence stands for 50 ms where the RFC is followed (RFC 8445 §14.2, RFC 8839 §5.5)",
        arguments: [
            (PacingProfile.standard, 20, 50), (.standard, 100, 100), (.standard, nil, 50), (.fast, 20, 20),
            (.fast, nil, 5),
            (.fast, 1, 5), (.server, nil, 5), (.server, 50, 50),
        ] as [(PacingProfile, Int?, Int)])
    func agreedInterval(profile: PacingProfile, remote: Int?, agreed: Int) throws {
        let parameters = try ICEParameters(
            usernameFragment: "abcd", password: Self.password, pacingInterval: remote.map { .milliseconds($0) })
        #expect(profile.agreedInterval(remote: parameters) == .milliseconds(agreed))
    }

    @Test("As long as the peer's parameters are not known, the own Ta holds")
    func ownInterval() {
        #expect(PacingProfile.standard.agreedInterval(remote: nil) == .milliseconds(50))
        #expect(PacingProfile.fast.agreedInterval(remote: nil) == .milliseconds(5))
        var slow = PacingProfile.fast
        slow.pacingInterval = .milliseconds(80)
        #expect(slow.agreedInterval(remote: nil) == .milliseconds(80))
    }

    @Test("Options are told by their tokens")
    func options() throws {
        let parameters = try ICEParameters(
            usernameFragment: "abcd", password: Self.password, options: ["ice2", "trickle"])
        #expect(parameters.supportsICE2 && parameters.supportsTrickle)
        let old = try ICEParameters(
            usernameFragment: "abcd", password: Self.password, options: ["ice", "trickle-half"])
        #expect(!old.supportsICE2 && !old.supportsTrickle)
    }
}

import Foundation
import ICE
import Testing

@testable import IceTool

struct InvitationTests {
    private func invitation(hosts: Int = 1) throws -> Invitation {
        let parameters = try ICEParameters(
            usernameFragment: "abcd", password: "0123456789abcdefghijkl", options: ["ice2"])
        var candidates = (0..<hosts).map {
            "candidate:\($0 + 1) 1 udp \(2_130_706_431 - $0) 192.0.2.\($0 % 250) 50000 typ host"
        }
        candidates.append("candidate:r 1 udp 16777215 198.51.100.1 40000 typ relay raddr 203.0.113.5 rport 61234")
        return Invitation(parameters: parameters, candidates: candidates, pings: 10, throughput: 2.5)
    }

    @Test("A line is one word, and is read again, whatever stands around it")
    func roundTrip() throws {
        let invitation = try invitation()
        #expect(invitation.line.split(whereSeparator: \.isWhitespace).count == 1)
        #expect(try Invitation(line: invitation.line) == invitation)
        #expect(try Invitation(line: "  > \(invitation.line) \r") == invitation)
    }

    @Test("What is missing is said")
    func faults() throws {
        let line = try invitation().line
        #expect(throws: BadInvitation.noInvitation) { try Invitation(line: "hello") }
        #expect(throws: BadInvitation.incomplete) { try Invitation(line: String(line.dropLast(9))) }
        #expect(throws: BadInvitation.incomplete) { try Invitation(line: "ice1:") }
    }

    @Test(
        "A line with figures that are none is refused",
        arguments: [
            #""throughput":-1e300"#, #""throughput":0"#, #""throughput":-1"#, #""throughput":1e999"#, #""pings":0"#,
            #""pings":-9223372036854775808"#, #""pings":1e300"#, #""pings":0.5"#,
        ])
    func hostileFigures(figure: String) throws {
        let line = try invitation().line
        let data = try #require(Data(base64Encoded: String(line.dropFirst("ice1:".count))))
        let (name, known) = figure.contains("pings") ? ("pings", "10") : ("throughput", "2.5")
        let json = String(decoding: data, as: UTF8.self).replacing(#""\#(name)":\#(known)"#, with: figure)
        #expect(json.contains(figure))
        #expect(throws: BadInvitation.self) { try Invitation(line: "ice1:\(Data(json.utf8).base64EncodedString())") }
    }

    @Test("A line may ask for as much as it likes")
    func largeFigures() throws {
        var invitation = try invitation()
        (invitation.pings, invitation.throughput) = (.max, .greatestFiniteMagnitude)
        #expect(try Invitation(line: invitation.line) == invitation)
    }

    @Test("A line fits into a terminal's input, and keeps the candidates of servers")
    func fitting() throws {
        let many = try invitation(hosts: 200)
        #expect(many.line.utf8.count > Invitation.longestLine)
        let fitting = many.fitting()
        #expect(fitting.line.utf8.count <= Invitation.longestLine)
        #expect(fitting.candidates.first?.contains("typ relay") == true)
        #expect(fitting.candidates.count > 10)
        #expect(fitting.candidates[1].contains(" 2130706431 "))
    }

    @Test("In a room, only a file that changes is somebody's")
    func room() {
        var watch = RoomWatch()
        #expect(watch.observe([("old", "left behind\n7\n"), ("new", "here\n1\n")]).isEmpty)
        #expect(watch.observe([("old", "left behind\n7\n"), ("new", "here\n2\n")]) == ["here"])
    }
}

import ArgumentParser

@main
struct Ice: ParsableCommand {
    /// The release, as CHANGELOG.md has it.
    private static let version = "unreleased"

    static let configuration = CommandConfiguration(
        commandName: "ice",
        abstract: "Finds out whether calls get through from here, and by which way.",
        discussion: """
            gather      Which candidates do these servers give me?
            nat         What does the NAT in front of me do to UDP?
            turn-check  Does this TURN server work, and how well?
            connect     Do these two machines reach each other, and how well?
            trace       What became of this call, and why?

            Each command shows its progress on a terminal, prints plain lines into a pipe, and one JSON object a line with --json. \
            Colours are left out when NO_COLOR is set.

            It exits with 0 when what was asked for works, with 1 when it does not, and with 64 when it was called wrongly; trace has \
            codes of its own.

            Set ICE_TURN_USER and ICE_TURN_PASSWORD rather than give --user and --password: other users of the machine can see \
            command lines.
            """,
        version: version,
        subcommands: [
            GatherCommand.self, NATCommand.self, TURNCheckCommand.self, ConnectCommand.self, TraceCommand.self,
        ])
}

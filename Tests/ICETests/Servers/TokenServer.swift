import Foundation
import ICE

/// A coturn that takes access tokens, and the authorization server that shares a key with it, which is coturn's own `turnutils_oauth`.
final class TokenServer {
    /// Whether there is a coturn that knows access tokens, its tool to make them, and a Python that writes its database.
    static let isInstalled =
        ["turnserver", "turnutils_oauth", "python3"].allSatisfy(ServerProcess.isInstalled)
        && (try? output(of: "turnserver --help 2>&1 | grep -e --oauth")) != nil

    static let name = "example.org"
    /// The names of the two keys.
    static let keyIDs = ["north", "south"]

    let coturn: Coturn
    private let folder: URL
    private let key: String

    /// Starts it, and returns when it answers.
    init(on loop: EventLoop) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let database = folder.appending(path: "users").path
        key = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
        let program = """
            import sqlite3
            database = sqlite3.connect("\(database)")
            database.execute("create table oauth_key (kid varchar(128) primary key, ikm_key varchar(256), " +
                "timestamp bigint, lifetime integer, as_rs_alg varchar(64), realm varchar(127))")
            for name in "\(Self.keyIDs.joined(separator: " "))".split():
                database.execute("insert into oauth_key values (?, ?, 0, 0, 'A256GCM', ?)",
                    [name, "\(key)", "\(Self.name)"])
            database.commit()
            """
        let script = folder.appending(path: "keys.py")
        try Data(program.utf8).write(to: script)
        _ = try Self.output(of: "python3 '\(script.path)'")
        coturn = try Coturn.start(
            on: loop,
            arguments: [
                "--lt-cred-mech", "--oauth", "--realm=\(Self.name)", "--userdb=\(database)", "--user=alice:a secret",
                "--allow-loopback-peers",
            ])
    }

    deinit { stop() }

    func stop() {
        coturn.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// A token that the server takes from now on, for so many seconds (RFC 7635 §6.2).
    func issueToken(keyID: String = keyIDs[0], lifetime: Int) throws -> TURNAccessToken {
        let session = String(UInt64.random(in: .min ... .max), radix: 16) + String(repeating: "k", count: 20)
        let macKey = Array(session.utf8.prefix(20))
        let made = try Self.output(
            of: "turnutils_oauth -e -i \(Self.name) -j \(keyID) -k '\(key)' -n A256GCM "
                + "-l \(Int(Date().timeIntervalSince1970)) -m 86400 -r \(lifetime) "
                + "-p '\(Data(macKey).base64EncodedString())'")
        let answer = try JSONDecoder().decode(Answer.self, from: Data(made.utf8))
        guard let token = Data(base64Encoded: answer.access_token) else { throw NoToken() }
        // coturn 4.6 wants session keys of 20 bytes in its tokens, and signs with the first 16 of them.
        return TURNAccessToken(
            keyID: answer.kid, token: [UInt8](token), macKey: Array(macKey.prefix(16)),
            lifetime: .seconds(answer.expires_in))
    }

    private struct Answer: Decodable {
        let access_token: String
        let kid: String
        let expires_in: Int64
    }

    /// Runs one command. Not by Foundation's `Process`, of which the address sanitizer reports a leak.
    private static func output(of command: String) throws -> String {
        guard let output = unsafe popen(command, "r") else { throw NoToken() }
        var text: [UInt8] = []
        while case let byte = unsafe fgetc(output), byte != EOF { text.append(UInt8(byte)) }
        guard unsafe pclose(output) == 0 else { throw NoToken() }
        return String(decoding: text, as: UTF8.self)
    }

    struct NoToken: Error {}
}

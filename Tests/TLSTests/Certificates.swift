import Foundation
import Testing

/// An authority and certificates of its making, fresh for this run, from the `openssl` program.
final class Certificates: Sendable {
    /// The name that `server` is for; `server` is for 192.0.2.7 and 2001:db8::7 too.
    static let name = "turn.example.org"

    let authority: [UInt8]
    let strangeAuthority: [UInt8]
    let key: [UInt8]
    let strangeKey: [UInt8]
    let server: [UInt8]
    let expired: [UInt8]
    let selfSigned: [UInt8]

    /// Made once for all tests.
    static let shared = Result { try Certificates() }

    private init() throws {
        let folder = try Self.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        func run(_ arguments: String) throws {
            try Self.openssl(arguments, in: folder)
        }
        func bytes(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: folder.appending(path: name)))
        }
        let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"
        for authority in ["ca", "strange"] {
            try run("req -x509 \(newKey) -keyout \(authority).key -out \(authority).pem -days 2 -subj /CN=\(authority)")
        }
        try Data("subjectAltName=DNS:\(Self.name),IP:192.0.2.7,IP:2001:db8::7\n".utf8)
            .write(to: folder.appending(path: "names.txt"))
        try run("req \(newKey) -keyout server.key -out server.csr -subj /CN=\(Self.name)")
        let sign = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names.txt"
        try run("\(sign) -days 2 -out server.pem")
        try run("\(sign) -days -1 -out expired.pem")
        try run("x509 -req -in server.csr -signkey server.key -extfile names.txt -days 2 -out self.pem")
        authority = try bytes("ca.pem")
        strangeAuthority = try bytes("strange.pem")
        key = try bytes("server.key")
        strangeKey = try bytes("strange.key")
        server = try bytes("server.pem")
        expired = try bytes("expired.pem")
        selfSigned = try bytes("self.pem")
    }

    private static func makeFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tls-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Runs one command. Not by Foundation's `Process`, of which the address sanitizer reports a leak.
    private static func openssl(_ arguments: String, in folder: URL) throws {
        let command = "cd '\(folder.path)' && openssl \(arguments) 2>&1"
        guard let output = unsafe popen(command, "r") else { throw OpenSSLFailure(text: "cannot run a shell") }
        var text: [UInt8] = []
        while case let byte = unsafe fgetc(output), byte != EOF { text.append(UInt8(byte)) }
        guard unsafe pclose(output) == 0 else {
            throw OpenSSLFailure(text: "\(command): \(String(decoding: text, as: UTF8.self))")
        }
    }

    struct OpenSSLFailure: Error {
        let text: String
    }
}

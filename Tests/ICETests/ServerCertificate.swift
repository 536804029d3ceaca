import Foundation

/// A fresh self-signed certificate and its key, from the `openssl` program.
struct ServerCertificate: Sendable {
    let certificate: [UInt8]
    let key: [UInt8]
    /// SHA-256 over its DER form.
    let digest: [UInt8]

    /// For turn.example, 192.0.2.1 and 127.0.0.1.
    static let here = Result { try ServerCertificate(names: "DNS:turn.example,IP:192.0.2.1,IP:127.0.0.1") }

    /// For another host.
    static let elsewhere = Result { try ServerCertificate(names: "DNS:elsewhere.example,IP:192.0.2.99") }

    init(names: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let options = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /CN=test"
        let make = "req -x509 \(options) -addext subjectAltName=\(names) -keyout key.pem -out certificate.pem"
        _ = try Self.openssl(make, in: folder)
        func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: name))) }
        certificate = try bytes("certificate.pem")
        key = try bytes("key.pem")
        // sha256 Fingerprint=AB:CD:…
        let fingerprint = try Self.openssl("x509 -in certificate.pem -noout -sha256 -fingerprint", in: folder)
        let digits = fingerprint.split(separator: "=").last ?? ""
        digest = digits.split(separator: ":").compactMap { UInt8($0.prefix(2), radix: 16) }
    }

    /// Runs one command. Not by Foundation's `Process`, of which the address sanitizer reports a leak.
    private static func openssl(_ arguments: String, in folder: URL) throws -> String {
        guard let output = unsafe popen("cd '\(folder.path)' && openssl \(arguments) 2>&1", "r") else {
            throw Failure()
        }
        var text: [UInt8] = []
        while case let byte = unsafe fgetc(output), byte != EOF { text.append(UInt8(byte)) }
        guard unsafe pclose(output) == 0 else { throw Failure(text: String(decoding: text, as: UTF8.self)) }
        return String(decoding: text, as: UTF8.self)
    }

    struct Failure: Error {
        var text = "cannot run a shell"
    }
}

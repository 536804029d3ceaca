import ICE
import Testing

@testable import IceTool

struct FaultTests {
    @Test(
        "Codes of servers have a name and advice",
        arguments: [
            (401, "credentials", "check --user"), (403, "forbidden", "ask whoever"), (486, "quota", "user quota"),
            (508, "capacity", "try again later"), (440, "family", "another server"),
        ])
    func codes(code: Int, name: String, advice: String) {
        let fault = Fault(code: code, reason: "Reason")
        #expect(fault.name == name)
        #expect(fault.message == "\(code) Reason")
        #expect(fault.advice?.contains(advice) == true)
    }

    @Test(
        "What is wrong with a certificate is named",
        arguments: [
            ("certificateOutOfDate: certificate has expired; renew", "certificate-expired", "certificate has expired"),
            ("hostMismatch: hostname mismatch; the server's certificate is", "certificate-name", "hostname mismatch"),
            (
                "untrustedCertificate: self-signed certificate; no authority", "certificate-untrusted",
                "self-signed certificate"
            ),
            (
                "certificateRejected: unsuitable certificate purpose", "certificate-rejected",
                "unsuitable certificate purpose"
            ),
        ])
    func certificates(reason: String, name: String, words: String) {
        let fault = Fault(code: 701, reason: reason)
        #expect(fault.name == name)
        #expect(fault.message.hasSuffix(": \(words)"), "\(fault.message)")
    }

    @Test("Where the reason says what to do, nothing is added")
    func advice() {
        #expect(Fault(code: 701, reason: "the server did not answer: check its address and port").advice == nil)
        #expect(Fault(code: 701, reason: "no usable answer").advice?.hasPrefix("check the URL") == true)
    }

    @Test("What comes from the network does not steer the terminal")
    func controlCharacters() {
        #expect(Fault(code: 400, reason: "\u{1b}[2JBad\nRequest\u{9b}1m\u{202e}").message == "400 [2JBadRequest1m")
    }
}

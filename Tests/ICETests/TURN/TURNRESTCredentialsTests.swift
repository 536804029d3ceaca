import ICE
import Testing

@Suite("TURN REST credentials")
struct TURNRESTCredentialsTests {
    // Checked against: printf NAME | openssl dgst -sha1 -hmac north -binary | base64
    @Test(
        "B3.7: the password is the HMAC-SHA1 of the user name, in Base64",
        arguments: [
            ("alice", "1700000000:alice", "Cd/49soE35ICqcJF/bCTn8Z4OyE="),
            ("", "1700000000", "CWyHi3zCeWqXBir9thl4m+iZPRY="),
        ])
    func vectors(user: String, username: String, password: String) {
        let credentials = TURNRESTCredentials(secret: "north", expiresAt: 1_700_000_000, user: user)
        #expect(credentials.username == username)
        #expect(credentials.password == password)
    }

    @Test("A secret of any length will do", arguments: [0, 1, 64, 65, 200])
    func lengths(count: Int) {
        let secret = String(repeating: "s", count: count)
        let credentials = TURNRESTCredentials(secret: secret, expiresAt: 1)
        #expect(credentials.password.utf8.count == 28)
        #expect(credentials != TURNRESTCredentials(secret: secret + "t", expiresAt: 1))
    }
}

import Digest
import Testing

private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
    }
}

private func code(_ function: HashFunction, key: [UInt8], _ message: [UInt8]) -> AuthenticationCode? {
    guard let hmac = HMAC(function, key: key) else { return nil }
    hmac.restart()
    hmac.update(message.span)
    return hmac.finish()
}

private func isEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool { constantTimeEqual(a.span, b.span) }

private func matches(_ code: AuthenticationCode, _ bytes: [UInt8]) -> Bool { code.matches(bytes.span) }

@Suite("Hashes")
struct HashTests {
    @Test(
        "A3.4: the RFC vectors of MD5, SHA-1 and SHA-256 come out",
        arguments: [
            (HashFunction.md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
            (.md5, "user:realm:pass", "8493fbc53ba582fb4c044c456bdc40eb"),
            (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ])
    func vectors(function: HashFunction, text: String, digest: String) {
        #expect(function.digest(of: Array(text.utf8)) == bytes(digest))
    }
}

@Suite("HMAC")
struct HMACTests {
    @Test(
        "The vectors of RFC 2202 and RFC 4231 come out, keys longer than a block included",
        arguments: [
            (
                HashFunction.sha1, [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b617318655057264e28bc0b6fb378c8ef146be00"
            ),
            (.sha1, Array("Jefe".utf8), "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (
                .sha1, [UInt8](repeating: 0xaa, count: 80), "Test Using Larger Than Block-Size Key - Hash Key First",
                "aa4ae5e15272d00e95705637ce8a3b55ed402112"
            ),
            (
                .sha256, [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                .sha256, Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (.sha1, [], "", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"),
        ])
    func vectors(function: HashFunction, key: [UInt8], text: String, expected: String) throws {
        #expect(try #require(code(function, key: key, Array(text.utf8))).bytes == bytes(expected))
    }

    @Test("A restarted context gives the same code as a fresh one, also after an unfinished message")
    func restarts() throws {
        let hmac = try #require(HMAC(.sha1, key: Array("Jefe".utf8)))
        let message = Array("what do ya want for nothing?".utf8)
        for round in 0..<3 {
            hmac.restart()
            if round == 1 {
                let unfinished: [UInt8] = [1, 2, 3]
                hmac.update(unfinished.span)
                hmac.restart()
            }
            hmac.update(message.span)
            #expect(try #require(hmac.finish()).bytes == bytes("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"))
        }
    }

    @Test("Bytes hashed in pieces, numbers included, count as one message")
    func pieces() throws {
        let hmac = try #require(HMAC(.sha256, key: [1]))
        hmac.restart(bigEndian: 0x0102_0304)
        let rest: [UInt8] = [5, 6]
        hmac.update(rest.span)
        let whole = try #require(code(.sha256, key: [1], [1, 2, 3, 4, 5, 6]))
        #expect(try #require(hmac.finish()).bytes == whole.bytes)
    }

    @Test("A code matches itself and its beginnings, but nothing empty, changed or longer")
    func matching() throws {
        let whole = try #require(code(.sha1, key: [1], [2]))
        #expect(matches(whole, whole.bytes))
        #expect(matches(whole, Array(whole.bytes.prefix(16))))
        #expect(!matches(whole, []))
        #expect(!matches(whole, whole.bytes + [0]))
        for index in 0..<20 {
            var changed = whole.bytes
            changed[index] ^= 0x80
            #expect(!matches(whole, changed))
        }
        var target = [UInt8](repeating: 0xff, count: 22)
        whole.write(to: &target, at: 1)
        #expect(target == [0xff] + whole.bytes + [0xff])
    }

    @Test("A context is freed with its last reference")
    func lifetime() throws {
        weak var reference: HMAC?
        do {
            let hmac = try #require(HMAC(.sha1, key: [1]))
            reference = hmac
            #expect(reference != nil)
        }
        #expect(reference == nil)
    }
}

@Suite("Comparison and randomness")
struct ByteTests {
    @Test("A3.2: equal bytes compare equal; another byte or another length does not")
    func comparison() {
        #expect(isEqual([1, 2, 3], [1, 2, 3]))
        #expect(isEqual([], []))
        #expect(!isEqual([1, 2, 3], [1, 2, 4]))
        #expect(!isEqual([1, 2], [1, 2, 3]))
    }

    @Test("Random bytes have the length asked for and differ", arguments: [0, 1, 7, 8, 9, 33])
    func random(count: Int) {
        #expect(randomBytes(count: count).count == count)
        if count > 8 { #expect(randomBytes(count: count) != randomBytes(count: count)) }
    }
}

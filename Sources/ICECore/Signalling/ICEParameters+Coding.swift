extension ICEParameters: Codable {
    /// `RTCIceParameters` of webrtc-ice, with what else RFC 8839 signals.
    private enum CodingKeys: String, CodingKey {
        case usernameFragment, password, iceLite, iceOptions, icePacing
    }

    /// Reads `{usernameFragment, password, iceLite, iceOptions, icePacing}`, the last three being optional; the pacing is in milliseconds.
    ///
    /// Throws `DecodingError`, `dataCorrupted` with an ``ICESyntaxError`` for credentials outside RFC 8839 §5.4; no error shows the password.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let pacing = try values.decodeIfPresent(UInt32.self, forKey: .icePacing)
        let credentials: Credentials
        do {
            credentials = try Credentials(
                usernameFragment: values.decode(String.self, forKey: .usernameFragment),
                password: values.decode(String.self, forKey: .password))
        } catch let error as ICESyntaxError {
            throw DecodingError(error, at: decoder.codingPath)
        }
        self.init(
            credentials: credentials, options: try values.decodeIfPresent([String].self, forKey: .iceOptions) ?? [],
            isLite: try values.decodeIfPresent(Bool.self, forKey: .iceLite) ?? false,
            pacingInterval: pacing.map { .milliseconds(Int64($0)) })
    }

    /// Writes the parameters, the password included: they are for the peer, over a signalling channel that others can't read.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(usernameFragment, forKey: .usernameFragment)
        try values.encode(password, forKey: .password)
        if isLite { try values.encode(true, forKey: .iceLite) }
        if !options.isEmpty { try values.encode(options, forKey: .iceOptions) }
        if let pacingInterval {
            let milliseconds = pacingInterval / .milliseconds(1)
            try values.encode(UInt32(min(max(milliseconds, 0), 3_600_000)), forKey: .icePacing)
        }
    }
}

extension ICEServer: Codable {
    private enum CodingKeys: String, CodingKey {
        case urls, username, credential
    }

    /// Reads WebRTC's `RTCIceServer`: `urls` is one string or several; nothing is read of TLS.
    ///
    /// Throws `DecodingError`, `dataCorrupted` with an ``ICESyntaxError`` for a bad URL or a missing credential.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let urls: [String]
        if let one = try? values.decode(String.self, forKey: .urls) {
            urls = [one]
        } else {
            urls = try values.decode([String].self, forKey: .urls)
        }
        do {
            try self.init(
                urls: urls, username: values.decodeIfPresent(String.self, forKey: .username),
                credential: values.decodeIfPresent(String.self, forKey: .credential))
        } catch let error as ICESyntaxError {
            throw DecodingError(error, at: decoder.codingPath)
        }
    }

    /// Writes the URLs as an array, and the username and the credential, which is a secret, where there are any. TLS options are not
    /// written, nor is an access token, which lasts too short a time.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(urls, forKey: .urls)
        try values.encodeIfPresent(username, forKey: .username)
        try values.encodeIfPresent(credential, forKey: .credential)
    }
}

/// A candidate, or the end of candidates, as WebRTC's signalling carries it: `RTCIceCandidateInit` of webrtc-pc.
///
/// It encodes to, and decodes from, the JSON that browsers give and take:
///
/// ```swift
/// import Foundation
///
/// client.onCandidate = { candidate in
///     guard let json = try? JSONEncoder().encode(client.signalled(candidate)) else { return }
///     signal(String(decoding: json, as: UTF8.self))
/// }
/// // … and what comes from the browser:
/// try client.addRemoteCandidate(try JSONDecoder().decode(SignalledCandidate.self, from: Data(text.utf8)))
/// ```
public struct SignalledCandidate: Hashable, Sendable {
    /// The line of RFC 8839 §5.1, with or without `a=`; empty for the end of candidates (webrtc-pc).
    public var candidate: String

    /// What signalling calls the stream (`a=mid`); goes before ``sdpMLineIndex`` (RFC 8829 §3.5.2.1).
    public var sdpMid: String?

    /// The stream's position in the description, from 0.
    public var sdpMLineIndex: UInt16?

    /// The username fragment that names the generation; nil stands for the latest one.
    public var usernameFragment: String?

    /// A candidate, or an end of candidates, from its parts.
    public init(
        candidate: String, sdpMid: String? = nil, sdpMLineIndex: UInt16? = nil, usernameFragment: String? = nil
    ) {
        self.candidate = candidate
        self.sdpMid = sdpMid
        self.sdpMLineIndex = sdpMLineIndex
        self.usernameFragment = usernameFragment
    }

    /// The end of candidates of one stream, or of all if neither a name nor a position is given.
    public static func endOfCandidates(
        sdpMid: String? = nil, sdpMLineIndex: UInt16? = nil, usernameFragment: String? = nil
    ) -> SignalledCandidate {
        SignalledCandidate(
            candidate: "", sdpMid: sdpMid, sdpMLineIndex: sdpMLineIndex, usernameFragment: usernameFragment)
    }

    /// Whether it says that there are no more candidates.
    public var isEndOfCandidates: Bool { candidate.allSatisfy(\.isWhitespace) }
}

extension SignalledCandidate: Codable {
    private enum CodingKeys: String, CodingKey {
        case candidate, sdpMid, sdpMLineIndex, usernameFragment
    }

    /// Reads the dictionary; a missing or null `candidate` is empty, as webrtc-pc has it.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        candidate = try values.decodeIfPresent(String.self, forKey: .candidate) ?? ""
        sdpMid = try values.decodeIfPresent(String.self, forKey: .sdpMid)
        sdpMLineIndex = try values.decodeIfPresent(UInt16.self, forKey: .sdpMLineIndex)
        usernameFragment = try values.decodeIfPresent(String.self, forKey: .usernameFragment)
    }
}

extension Candidate: Codable {
    /// Reads the dictionary that ``SignalledCandidate`` describes; throws `DecodingError.dataCorrupted` for what is no candidate line.
    ///
    /// The stream is the one at `sdpMLineIndex`, or else the one whose position `sdpMid` gives as a number, or else the first.
    public init(from decoder: any Decoder) throws {
        let signalled = try SignalledCandidate(from: decoder)
        do {
            try self.init(signalled.candidate)
        } catch {
            throw DecodingError(error, at: decoder.codingPath)
        }
        let index = signalled.sdpMLineIndex.map { Int($0) } ?? signalled.sdpMid.flatMap(StreamID.index(named:))
        stream = StreamID(index ?? 0)
        name(generation: signalled.usernameFragment)
    }

    /// Writes the dictionary that ``SignalledCandidate`` describes, with the stream's position and without its name, which a candidate
    /// does not know.
    public func encode(to encoder: any Encoder) throws {
        try SignalledCandidate(
            candidate: description, sdpMLineIndex: UInt16(clamping: stream.index), usernameFragment: usernameFragment
        ).encode(to: encoder)
    }

    /// Notes the generation that signalling told beside the line; what the line says itself stays.
    package mutating func name(generation usernameFragment: String?) {
        guard let usernameFragment, self.usernameFragment == nil else { return }
        attributes.append(Attribute(name: "ufrag", value: usernameFragment))
    }
}

extension StreamID {
    /// The position that stands in the name of a stream which was described without a name of its own.
    package static func index(named mid: String) -> Int? {
        guard !mid.isEmpty, mid.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return UInt16(mid).map { Int($0) }
    }
}

extension DecodingError {
    /// The fault of a text within what is decoded.
    init(_ error: ICESyntaxError, at path: [any CodingKey]) {
        self = .dataCorrupted(Context(codingPath: path, debugDescription: error.description, underlyingError: error))
    }
}

/// What bounds the connections of a ``TCPCandidateSocket``.
struct TCPLimits {
    /// How many bytes of a connection may wait for the system, or for the connection to come up, before ``TCPCandidateSocket`` takes no
    /// more for it.
    var unsentByteCount = 256 << 10

    /// How many bytes more may wait where they are STUN messages, which nobody sends again: consent is not to be lost for a full connection.
    var reservedByteCount = 32 << 10

    /// How long a connection that was accepted may stay without an authentic check, whatever has come in on it.
    var identificationTimeout = Duration.seconds(10)

    /// How long a connection may take to come up. What opens it is sent four times within that (RFC 6298 §2: after 1, 3 and 7 s), and the
    /// answer to a check has its 39.5 s (RFC 8489 §6.2.2) only where it does.
    var connectTimeout = Duration.seconds(10)

    /// How many accepted connections may wait for an authentic check; one more ends the oldest of them.
    var unidentifiedCount = 64

    /// How many of these may come from one IP address; one more ends the oldest from there.
    var unidentifiedCountPerIP = 16

    /// How many connections there may be that were identified, or that this end has opened.
    var identifiedCount = 256

    /// The longest datagram on a connection before it is identified, in bytes: checks fit into a packet.
    var unidentifiedDatagramLength = 1500
}

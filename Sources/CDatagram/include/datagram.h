#ifndef SWIFT_ICE_DATAGRAM_H
#define SWIFT_ICE_DATAGRAM_H

// The system calls that move several datagrams at a time, with what Swift can't say: control messages are macros of C.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// An address and a port, in the byte order of the host; IPv4 has the lower 32 bits of `low`.
struct datagram_address {
    uint64_t high;
    uint64_t low;
    uint32_t scope;
    uint16_t port;
    // 4 or 6; 0 where nothing is known.
    uint8_t family;
};

// What arrived in one slot of the buffer: a datagram, or several of one size and one sender, one behind the other.
struct datagram_arrival {
    struct datagram_address source;
    // Where it was sent to, without a port; known only where datagram_prepare() has asked for it.
    struct datagram_address destination;
    uint32_t length;
    // The size of each datagram but the last, which may be shorter.
    uint32_t segment;
    // IPv4's type of service, IPv6's traffic class.
    uint8_t traffic_class;
};

enum {
    // Tell datagram_arrival.destination.
    datagram_tells_destination = 1,
    // Tell datagram_arrival.traffic_class.
    datagram_tells_traffic_class = 2,
    // Let the kernel put datagrams together; what it does not know is left.
    datagram_joins = 4,
};

// Asks for what arrivals tell. 0, or the negative errno of the first thing that was refused.
int datagram_prepare(int descriptor, bool is_v6, int options);

// Slots of one size that lie one behind the other in a buffer, and what the kernel is told of them.
struct datagram_slots;

struct datagram_slots *datagram_slots_create(void *buffer, size_t size, int count);
void datagram_slots_free(struct datagram_slots *slots);

// Receives into the slots, without waiting. How many were filled, or a negative errno.
int datagram_receive(int descriptor, struct datagram_slots *slots, struct datagram_arrival *arrivals);

// Sends one datagram, without waiting: 0, or a negative errno. `from`, if given, is the address of this machine that it leaves from.
int datagram_send_one(
    int descriptor, const struct datagram_address *to, const struct datagram_address *from, const void *bytes,
    size_t length);

// Whether the kernel knows how to cut datagrams out of a larger one. Older ones would send the larger one.
bool datagram_can_join(int descriptor);

// Sends datagrams to one address, without waiting: how many the system took, or a negative errno where it did not take the first.
//
// `from` is as above. `may_join` lets the kernel, or the card, cut them out of larger ones, only where datagram_can_join() says so; it is
// set to false where that was refused, and they went one by one.
int datagram_send(
    int descriptor, const struct datagram_address *to, const struct datagram_address *from,
    const struct iovec *datagrams, int count, bool *may_join);

// The same for datagrams that lie one behind the other, all of one size but the last, which may be shorter.
int datagram_send_run(
    int descriptor, const struct datagram_address *to, const void *bytes, size_t length, size_t size, bool *may_join);

#endif

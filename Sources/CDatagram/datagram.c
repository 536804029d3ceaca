// sendmmsg, recvmmsg and struct in6_pktinfo.
#define _GNU_SOURCE
#define __APPLE_USE_RFC_3542

#include "datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#if defined(__linux__)
#include <netinet/udp.h>
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#define HAS_BATCHES 1
#else
#define HAS_BATCHES 0
#endif

// MARK: Addresses

static socklen_t write_address(const struct datagram_address *address, struct sockaddr_storage *storage) {
    if (address->family == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
        memset(v4, 0, sizeof *v4);
#if defined(__APPLE__)
        v4->sin_len = sizeof *v4;
#endif
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        v4->sin_addr.s_addr = htonl((uint32_t)address->low);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
    memset(v6, 0, sizeof *v6);
#if defined(__APPLE__)
    v6->sin6_len = sizeof *v6;
#endif
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    v6->sin6_scope_id = address->scope;
    for (int byte = 0; byte < 8; byte++) {
        v6->sin6_addr.s6_addr[byte] = (uint8_t)(address->high >> (56 - 8 * byte));
        v6->sin6_addr.s6_addr[byte + 8] = (uint8_t)(address->low >> (56 - 8 * byte));
    }
    return sizeof *v6;
}

static void read_v6(const struct in6_addr *from, struct datagram_address *address) {
    uint64_t high = 0, low = 0;
    for (int byte = 0; byte < 8; byte++) {
        high = high << 8 | from->s6_addr[byte];
        low = low << 8 | from->s6_addr[byte + 8];
    }
    address->family = 6;
    address->high = high;
    address->low = low;
}

static void read_address(const struct sockaddr_storage *storage, struct datagram_address *address) {
    memset(address, 0, sizeof *address);
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)storage;
        address->family = 4;
        address->low = ntohl(v4->sin_addr.s_addr);
        address->port = ntohs(v4->sin_port);
    } else if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)storage;
        read_v6(&v6->sin6_addr, address);
        address->scope = v6->sin6_scope_id;
        address->port = ntohs(v6->sin6_port);
    }
}

// MARK: Receiving

static int set(int descriptor, int level, int option) {
    int on = 1;
    return setsockopt(descriptor, level, option, &on, sizeof on) == 0 ? 0 : -errno;
}

int datagram_prepare(int descriptor, bool is_v6, int options) {
    int status = 0;
    if (options & datagram_tells_destination) {
#if defined(IP_PKTINFO)
        status = is_v6 ? set(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO) : set(descriptor, IPPROTO_IP, IP_PKTINFO);
#else
        status = is_v6 ? set(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO) : -ENOPROTOOPT;
#endif
        if (status < 0) return status;
    }
    if (options & datagram_tells_traffic_class) {
        status = is_v6 ? set(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS) : set(descriptor, IPPROTO_IP, IP_RECVTOS);
        if (status < 0) return status;
    }
#if HAS_BATCHES
    if (options & datagram_joins) (void)set(descriptor, SOL_UDP, UDP_GRO);
#endif
    return 0;
}

static void read_control(struct msghdr *message, struct datagram_arrival *arrival) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        const void *data = CMSG_DATA(part);
        if (part->cmsg_level == IPPROTO_IP) {
#if defined(IP_PKTINFO)
            if (part->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;
                memcpy(&info, data, sizeof info);
                arrival->destination.family = 4;
                arrival->destination.low = ntohl(info.ipi_addr.s_addr);
                arrival->destination.scope = (uint32_t)info.ipi_ifindex;
            }
#endif
            // Linux calls it by the option's first name, the BSDs by its second.
            if (part->cmsg_type == IP_TOS || part->cmsg_type == IP_RECVTOS) {
                memcpy(&arrival->traffic_class, data, 1);
            }
        } else if (part->cmsg_level == IPPROTO_IPV6) {
            if (part->cmsg_type == IPV6_PKTINFO) {
                struct in6_pktinfo info;
                memcpy(&info, data, sizeof info);
                read_v6(&info.ipi6_addr, &arrival->destination);
                arrival->destination.scope = (uint32_t)info.ipi6_ifindex;
            } else if (part->cmsg_type == IPV6_TCLASS) {
                int value;
                memcpy(&value, data, sizeof value);
                arrival->traffic_class = (uint8_t)value;
            }
        }
#if HAS_BATCHES
        if (part->cmsg_level == SOL_UDP && part->cmsg_type == UDP_GRO) {
            int value;
            memcpy(&value, data, sizeof value);
            if (value > 0 && (uint32_t)value < arrival->length) arrival->segment = (uint32_t)value;
        }
#endif
    }
}

static void read_arrival(
    struct msghdr *message, size_t length, const struct sockaddr_storage *source, struct datagram_arrival *arrival) {
    read_address(source, &arrival->source);
    memset(&arrival->destination, 0, sizeof arrival->destination);
    arrival->traffic_class = 0;
    arrival->length = (uint32_t)length;
    arrival->segment = (uint32_t)length;
    read_control(message, arrival);
}

enum { most_slots = 16, control_size = 128 };

int datagram_receive(
    int descriptor, void *buffer, size_t slot_size, struct datagram_arrival *arrivals, int slots) {
    if (slots > most_slots) slots = most_slots;
    struct sockaddr_storage sources[most_slots];
    struct iovec parts[most_slots];
    union {
        struct cmsghdr alignment;
        char bytes[control_size];
    } controls[most_slots];
#if HAS_BATCHES
    struct mmsghdr messages[most_slots];
    memset(messages, 0, sizeof *messages * (size_t)slots);
#else
    struct msghdr only;
    slots = 1;
#endif
    for (int slot = 0; slot < slots; slot++) {
#if HAS_BATCHES
        struct msghdr *message = &messages[slot].msg_hdr;
#else
        struct msghdr *message = &only;
        memset(message, 0, sizeof *message);
#endif
        parts[slot].iov_base = (char *)buffer + (size_t)slot * slot_size;
        parts[slot].iov_len = slot_size;
        message->msg_name = &sources[slot];
        message->msg_namelen = sizeof sources[slot];
        message->msg_iov = &parts[slot];
        message->msg_iovlen = 1;
        message->msg_control = controls[slot].bytes;
        message->msg_controllen = control_size;
        // Where the kernel knows no sender, none is told.
        sources[slot].ss_family = 0;
    }
#if HAS_BATCHES
    int count;
    do count = recvmmsg(descriptor, messages, (unsigned)slots, MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    for (int slot = 0; slot < count; slot++) {
        read_arrival(&messages[slot].msg_hdr, messages[slot].msg_len, &sources[slot], &arrivals[slot]);
    }
    return count;
#else
    ssize_t length;
    do length = recvmsg(descriptor, &only, MSG_DONTWAIT);
    while (length < 0 && errno == EINTR);
    if (length < 0) return -errno;
    read_arrival(&only, (size_t)length, &sources[0], &arrivals[0]);
    return 1;
#endif
}

// MARK: Sending

// The kernel takes 64 at a time, of what fits into one datagram together.
enum { most_joined = 64, most_joined_bytes = 65000, most_messages = 16 };

struct control_buffer {
    union {
        struct cmsghdr alignment;
        char bytes[control_size];
    };
};

static void *append(struct msghdr *message, int level, int type, size_t size) {
    struct cmsghdr *part = (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);
    memset(part, 0, CMSG_SPACE(size));
    part->cmsg_level = level;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(size);
    message->msg_controllen += CMSG_SPACE(size);
    return CMSG_DATA(part);
}

static void write_source(struct msghdr *message, const struct datagram_address *from) {
    if (from->family == 6) {
        struct in6_pktinfo info;
        struct sockaddr_storage storage;
        memset(&info, 0, sizeof info);
        write_address(from, &storage);
        info.ipi6_addr = ((struct sockaddr_in6 *)&storage)->sin6_addr;
        info.ipi6_ifindex = from->scope;
        memcpy(append(message, IPPROTO_IPV6, IPV6_PKTINFO, sizeof info), &info, sizeof info);
        return;
    }
#if defined(IP_PKTINFO)
    struct in_pktinfo info;
    memset(&info, 0, sizeof info);
    info.ipi_spec_dst.s_addr = htonl((uint32_t)from->low);
    memcpy(append(message, IPPROTO_IP, IP_PKTINFO, sizeof info), &info, sizeof info);
#endif
}

// Writes everything about a message but its segments; the control buffer is left out where nothing is in it.
static void address_message(
    struct msghdr *message, struct sockaddr_storage *name, socklen_t name_length, struct control_buffer *control,
    const struct datagram_address *from) {
    memset(message, 0, sizeof *message);
    message->msg_name = name;
    message->msg_namelen = name_length;
    message->msg_control = control->bytes;
    message->msg_controllen = 0;
    if (from) write_source(message, from);
}

static void seal(struct msghdr *message) {
    if (message->msg_controllen == 0) message->msg_control = NULL;
}

#if defined(MSG_NOSIGNAL)
enum { send_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
#else
enum { send_flags = MSG_DONTWAIT };
#endif

int datagram_send_one(
    int descriptor, const struct datagram_address *to, const struct datagram_address *from, const void *bytes,
    size_t length) {
    struct sockaddr_storage name;
    socklen_t name_length = write_address(to, &name);
    ssize_t sent;
    if (!from) {
        do sent = sendto(descriptor, bytes, length, send_flags, (struct sockaddr *)&name, name_length);
        while (sent < 0 && errno == EINTR);
        return sent < 0 ? -errno : 0;
    }
    struct msghdr message;
    struct control_buffer control;
    struct iovec part = {(void *)bytes, length};
    address_message(&message, &name, name_length, &control, from);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    seal(&message);
    do sent = sendmsg(descriptor, &message, send_flags);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

#if HAS_BATCHES
bool datagram_can_join(int descriptor) {
    int none = 0;
    return setsockopt(descriptor, SOL_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
}

// How many of the datagrams from `first` on go together: all of one size, but for the last, which may be shorter.
static int joinable(const struct iovec *datagrams, int first, int count) {
    size_t size = datagrams[first].iov_len, total = size;
    int next = first + 1;
    if (size == 0) return 1;
    while (next < count && next - first < most_joined && datagrams[next].iov_len > 0 &&
           datagrams[next].iov_len <= size && total + datagrams[next].iov_len <= most_joined_bytes) {
        total += datagrams[next].iov_len;
        next++;
        if (datagrams[next - 1].iov_len < size) break;
    }
    return next - first;
}

// What datagrams that lie one behind the other are to the kernel; false where there are gaps.
static bool merge(const struct iovec *datagrams, int count, struct iovec *whole) {
    *whole = datagrams[0];
    for (int next = 1; next < count; next++) {
        if ((char *)whole->iov_base + whole->iov_len != datagrams[next].iov_base) return false;
        whole->iov_len += datagrams[next].iov_len;
    }
    return true;
}

static int send_messages(int descriptor, struct mmsghdr *messages, int count) {
    int sent;
    do sent = sendmmsg(descriptor, messages, (unsigned)count, send_flags);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

// Whether an error may be about the datagrams having been put together.
static bool is_about_joining(int status) {
    return status == -EIO || status == -EINVAL || status == -EMSGSIZE || status == -ENOPROTOOPT || status == -EOPNOTSUPP;
}

int datagram_send(
    int descriptor, const struct datagram_address *to, const struct datagram_address *from,
    const struct iovec *datagrams, int count, bool *may_join) {
    struct sockaddr_storage name;
    socklen_t name_length = write_address(to, &name);
    struct mmsghdr messages[most_messages];
    struct control_buffer controls[most_messages];
    struct iovec wholes[most_messages];
    int sizes[most_messages];
    int taken = 0;
    while (taken < count) {
        int filled = 0, next = taken;
        bool joined = false;
        for (; filled < most_messages && next < count; filled++) {
            struct msghdr *message = &messages[filled].msg_hdr;
            int together = *may_join ? joinable(datagrams, next, count) : 1;
            address_message(message, &name, name_length, &controls[filled], from);
            bool is_whole = merge(&datagrams[next], together, &wholes[filled]);
            message->msg_iov = is_whole ? &wholes[filled] : (struct iovec *)&datagrams[next];
            message->msg_iovlen = is_whole ? 1 : (size_t)together;
            if (together > 1) {
                uint16_t segment = (uint16_t)datagrams[next].iov_len;
                memcpy(append(message, SOL_UDP, UDP_SEGMENT, sizeof segment), &segment, sizeof segment);
                joined = true;
            }
            seal(message);
            sizes[filled] = together;
            next += together;
        }
        int sent = send_messages(descriptor, messages, filled);
        if (sent < 0 && joined && is_about_joining(sent)) {
            *may_join = false;
            continue;
        }
        if (sent < 0) return taken > 0 ? taken : sent;
        if (sent == 0) return taken;
        for (int message = 0; message < sent; message++) taken += sizes[message];
    }
    return taken;
}
#else
bool datagram_can_join(int descriptor) {
    (void)descriptor;
    return false;
}

int datagram_send(
    int descriptor, const struct datagram_address *to, const struct datagram_address *from,
    const struct iovec *datagrams, int count, bool *may_join) {
    (void)may_join;
    for (int taken = 0; taken < count; taken++) {
        int status =
            datagram_send_one(descriptor, to, from, datagrams[taken].iov_base, datagrams[taken].iov_len);
        if (status < 0) return taken > 0 ? taken : status;
    }
    return count;
}
#endif

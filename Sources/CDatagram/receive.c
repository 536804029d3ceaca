#include "system.h"

#include <stdlib.h>

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

// The room of one slot's sender and control messages.
struct slot {
    struct sockaddr_storage source;
    struct iovec part;
    union {
        struct cmsghdr alignment;
        char bytes[control_size];
    } control;
};

// What the kernel is handed is written once: between two calls only what it has changed is put back.
struct datagram_slots {
    int count;
    struct slot *slots;
#if HAS_BATCHES
    struct mmsghdr messages[];
#else
    struct { struct msghdr msg_hdr; } messages[];
#endif
};

static void put_back(struct datagram_slots *all, int index) {
    struct msghdr *message = &all->messages[index].msg_hdr;
    message->msg_namelen = sizeof all->slots[index].source;
    message->msg_controllen = control_size;
    // Where the kernel knows no sender, none is told.
    all->slots[index].source.ss_family = 0;
}

struct datagram_slots *datagram_slots_create(void *buffer, size_t size, int count) {
#if !HAS_BATCHES
    count = 1;
#endif
    struct datagram_slots *all = calloc(1, sizeof *all + (size_t)count * sizeof *all->messages);
    struct slot *slots = calloc((size_t)count, sizeof *slots);
    // There is no use for a loop that can't receive.
    if (!all || !slots) abort();
    all->count = count;
    all->slots = slots;
    for (int index = 0; index < count; index++) {
        struct msghdr *message = &all->messages[index].msg_hdr;
        slots[index].part.iov_base = (char *)buffer + (size_t)index * size;
        slots[index].part.iov_len = size;
        message->msg_name = &slots[index].source;
        message->msg_iov = &slots[index].part;
        message->msg_iovlen = 1;
        message->msg_control = slots[index].control.bytes;
        put_back(all, index);
    }
    return all;
}

void datagram_slots_free(struct datagram_slots *all) {
    free(all->slots);
    free(all);
}

int datagram_receive(int descriptor, struct datagram_slots *all, struct datagram_arrival *arrivals) {
#if HAS_BATCHES
    int count;
    do count = recvmmsg(descriptor, all->messages, (unsigned)all->count, MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++) {
        struct msghdr *message = &all->messages[index].msg_hdr;
        read_arrival(message, all->messages[index].msg_len, &all->slots[index].source, &arrivals[index]);
        put_back(all, index);
    }
    return count;
#else
    struct msghdr *message = &all->messages[0].msg_hdr;
    ssize_t length;
    do length = recvmsg(descriptor, message, MSG_DONTWAIT);
    while (length < 0 && errno == EINTR);
    if (length < 0) return -errno;
    read_arrival(message, (size_t)length, &all->slots[0].source, &arrivals[0]);
    put_back(all, 0);
    return 1;
#endif
}

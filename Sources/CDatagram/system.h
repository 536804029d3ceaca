// What sending and receiving have in common: what the system knows of, and addresses.
#pragma once

// sendmmsg, recvmmsg and struct in6_pktinfo.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
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

enum { control_size = 128 };

static inline socklen_t write_address(const struct datagram_address *address, struct sockaddr_storage *storage) {
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

static inline void read_v6(const struct in6_addr *from, struct datagram_address *address) {
    uint64_t high = 0, low = 0;
    for (int byte = 0; byte < 8; byte++) {
        high = high << 8 | from->s6_addr[byte];
        low = low << 8 | from->s6_addr[byte + 8];
    }
    address->family = 6;
    address->high = high;
    address->low = low;
}

static inline void read_address(const struct sockaddr_storage *storage, struct datagram_address *address) {
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

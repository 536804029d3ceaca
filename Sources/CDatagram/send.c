#include "system.h"

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

static void write_segment(struct msghdr *message, size_t size) {
    uint16_t segment = (uint16_t)size;
    memcpy(append(message, SOL_UDP, UDP_SEGMENT, sizeof segment), &segment, sizeof segment);
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
                write_segment(message, datagrams[next].iov_len);
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

int datagram_send_run(
    int descriptor, const struct datagram_address *to, const void *bytes, size_t length, size_t size, bool *may_join) {
    struct sockaddr_storage name;
    socklen_t name_length = write_address(to, &name);
    struct mmsghdr messages[most_messages];
    struct control_buffer controls[most_messages];
    struct iovec wholes[most_messages];
    size_t most = most_joined_bytes / size < most_joined ? most_joined_bytes / size : most_joined;
    size_t taken = 0;
    while (taken * size < length) {
        size_t together = *may_join && most > 1 ? most : 1;
        size_t next = taken * size;
        bool joined = false;
        int filled = 0;
        for (; filled < most_messages && next < length; filled++) {
            struct msghdr *message = &messages[filled].msg_hdr;
            size_t whole = length - next < together * size ? length - next : together * size;
            address_message(message, &name, name_length, &controls[filled], NULL);
            wholes[filled] = (struct iovec){(char *)bytes + next, whole};
            message->msg_iov = &wholes[filled];
            message->msg_iovlen = 1;
            if (whole > size) {
                write_segment(message, size);
                joined = true;
            }
            seal(message);
            next += whole;
        }
        int sent = send_messages(descriptor, messages, filled);
        if (sent < 0 && joined && is_about_joining(sent)) {
            *may_join = false;
            continue;
        }
        if (sent <= 0) return taken > 0 || sent == 0 ? (int)taken : sent;
        for (int message = 0; message < sent; message++) taken += (wholes[message].iov_len + size - 1) / size;
    }
    return (int)taken;
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

int datagram_send_run(
    int descriptor, const struct datagram_address *to, const void *bytes, size_t length, size_t size, bool *may_join) {
    (void)may_join;
    size_t taken = 0;
    for (; taken * size < length; taken++) {
        size_t rest = length - taken * size;
        int status =
            datagram_send_one(descriptor, to, NULL, (const char *)bytes + taken * size, rest < size ? rest : size);
        if (status < 0) return taken > 0 ? (int)taken : status;
    }
    return (int)taken;
}
#endif

// Sends datagrams in trains that the kernel takes apart (UDP_SEGMENT), and receives them in trains that it has put together (UDP_GRO),
// without a loop: send|receive --size N --seconds S --window N --port N. Linux only.

#define _GNU_SOURCE
#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { TRAINS = 16, TRAIN_BYTES = 65507 };

static int descriptor;
static size_t size;

static void open_socket(void) {
    descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    if (descriptor < 0) fail("socket");
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(descriptor, (struct sockaddr *)&local, sizeof local) != 0) fail("bind");
    int bytes = BUFFER_BYTES;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

// MARK: The sender

static char train[TRAIN_BYTES];

static void send_train(Flow *flow, uint64_t packets) {
    for (uint64_t i = 0; i < packets; i++) set_number(train + i * size, flow->sent + i);
    if (send(descriptor, train, packets * size, 0) >= 0) flow->sent += packets;
    else if (errno != EAGAIN && errno != ENOBUFS) fail("send");
}

static void wait_for_receipt(Flow *flow) {
    char receipt[HEADER];
    ssize_t length = recv(descriptor, receipt, sizeof receipt, 0);
    if (length > 0) hear(flow, receipt, (size_t)length);
    else tick(flow);
}

static void run_sender(Flow flow, int port, double seconds) {
    open_socket();
    struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    if (connect(descriptor, (struct sockaddr *)&peer, sizeof peer) != 0) fail("connect");
    int segment = (int)size;
    if (setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) fail("UDP_SEGMENT");
    struct timeval silence = {.tv_usec = (suseconds_t)(SILENCE * 1e6)};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
    memset(train, DATA, sizeof train);
    uint64_t longest = TRAIN_BYTES / size < PER_TURN ? TRAIN_BYTES / size : PER_TURN;

    double began = now(), before = cpu();
    while (now() - began < seconds) {
        if (room(&flow) >= longest) send_train(&flow, longest);
        else wait_for_receipt(&flow);
    }
    tell_sent(&flow, now() - began, cpu() - before);
    memset(train, END, HEADER);
    for (int i = 0; i < ENDS; i++) {
        send(descriptor, train, HEADER, 0);
        poll(NULL, 0, 10);
    }
}

// MARK: The receiver

static char trains[TRAINS][TRAIN_BYTES + 1];

static size_t segment_of(struct msghdr *header, size_t length) {
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL; item = CMSG_NXTHDR(header, item)) {
        if (item->cmsg_level != IPPROTO_UDP || item->cmsg_type != UDP_GRO) continue;
        int segment;
        memcpy(&segment, CMSG_DATA(item), sizeof segment);
        return (size_t)segment;
    }
    return length;
}

static void take_train(Count *count, struct msghdr *header, const char *bytes, size_t length) {
    size_t segment = segment_of(header, length);
    for (size_t start = 0; start < length; start += segment) {
        size_t left = length - start;
        take(count, bytes + start, left < segment ? left : segment);
    }
    if (!is_receipt_due(count)) return;
    char receipt[HEADER];
    memset(receipt, RECEIPT, HEADER);
    set_number(receipt, count->next);
    sendto(descriptor, receipt, HEADER, 0, header->msg_name, header->msg_namelen);
}

static void run_receiver(Count count) {
    open_socket();
    int on = 1;
    if (setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) fail("UDP_GRO");
    struct sockaddr_in local;
    socklen_t length = sizeof local;
    getsockname(descriptor, (struct sockaddr *)&local, &length);
    tell_port(ntohs(local.sin_port));

    struct mmsghdr headers[TRAINS];
    struct iovec vectors[TRAINS];
    struct sockaddr_in sources[TRAINS];
    char controls[TRAINS][CMSG_SPACE(sizeof(int))];
    while (!count.is_over) {
        for (int i = 0; i < TRAINS; i++) {
            vectors[i] = (struct iovec){trains[i], sizeof trains[i]};
            headers[i].msg_hdr = (struct msghdr){
                .msg_name = &sources[i], .msg_namelen = sizeof sources[i], .msg_iov = &vectors[i], .msg_iovlen = 1,
                .msg_control = controls[i], .msg_controllen = sizeof controls[i]};
        }
        int arrived = recvmmsg(descriptor, headers, TRAINS, MSG_WAITFORONE, NULL);
        if (arrived < 0) fail("recvmmsg");
        for (int i = 0; i < arrived; i++) take_train(&count, &headers[i].msg_hdr, trains[i], headers[i].msg_len);
    }
    tell_received(&count);
}

int main(int argc, char *argv[]) {
    size = (size_t)atoi(option(argc, argv, "--size", "1200"));
    uint64_t window = (uint64_t)atoi(option(argc, argv, "--window", "0"));
    if (argc > 1 && strcmp(argv[1], "send") == 0) {
        double seconds = atof(option(argc, argv, "--seconds", "1"));
        run_sender((Flow){.window = window}, atoi(option(argc, argv, "--port", "9")), seconds);
    } else {
        run_receiver(make_count(window));
    }
    return 0;
}

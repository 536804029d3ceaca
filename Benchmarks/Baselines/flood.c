// Sends what strangers may send to an open port, from many ports of 127.0.0.1: by turns noise, checks for a user that is there under a
// wrong signature, and checks for users that are not there: flood --port N --ufrag TEXT --rate N --seconds S (rate 0: all that goes).

#define _GNU_SOURCE
#include "packets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

// Messages are made ahead, so many that no two of a moment are the same.
enum { SOCKETS = 16, BATCH = 30, STOCK = 200 * BATCH, LONGEST = 128, KINDS = 3, UFRAG = 4 };

typedef struct {
    unsigned char bytes[LONGEST];
    size_t length;
} Message;

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void append(Message *message, const void *bytes, size_t count) {
    memcpy(message->bytes + message->length, bytes, count);
    message->length += count;
}

static void append_random(Message *message, size_t count) {
    for (; count > 0; count--) message->bytes[message->length++] = (unsigned char)next_random();
}

static void append_header(Message *message, unsigned type, unsigned length) {
    uint16_t words[2] = {htons((uint16_t)type), htons((uint16_t)length)};
    append(message, words, sizeof words);
}

static void append_username(Message *message, const char *name, size_t length) {
    append_header(message, 0x0006, (unsigned)length);
    append(message, name, length);
    while (message->length % 4 != 0) message->bytes[message->length++] = 0;
}

static uint32_t crc(const unsigned char *bytes, size_t count) {
    uint32_t sum = 0xffffffff;
    for (; count > 0; count--) {
        sum ^= *bytes++;
        for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ (0xedb88320 & -(sum & 1));
    }
    return ~sum;
}

// A Binding request as agents send them, with a fingerprint that is right and a signature that is not.
static Message make_check(const char *name, size_t length) {
    Message message = {.length = 0};
    append_header(&message, 0x0001, 0);
    append(&message, "\x21\x12\xa4\x42", 4);
    append_random(&message, 12);
    append_username(&message, name, length);
    append(&message, "\x00\x24\x00\x04\x6e\x00\x01\xff", 8);
    append(&message, "\x80\x2a\x00\x08", 4);
    append_random(&message, 8);
    append_header(&message, 0x0008, 20);
    append_random(&message, 20);
    uint16_t body = htons((uint16_t)(message.length + 8 - 20));
    memcpy(message.bytes + 2, &body, sizeof body);
    uint32_t print = htonl(crc(message.bytes, message.length) ^ 0x5354554e);
    append_header(&message, 0x8028, 4);
    append(&message, &print, sizeof print);
    return message;
}

static Message make_message(int kind, const char *ufrag) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char name[64] = {0};
    if (kind == 0) {
        Message noise = {.length = 0};
        append_random(&noise, 100);
        return noise;
    }
    if (kind == 1) snprintf(name, sizeof name, "%s:%s", ufrag, "peer");
    else for (int i = 0; i < 2 * UFRAG + 1; i++) name[i] = i == UFRAG ? ':' : letters[next_random() % 64];
    return make_check(name, strlen(name));
}

int main(int argc, char *argv[]) {
    const char *ufrag = option(argc, argv, "--ufrag", "none");
    double rate = atof(option(argc, argv, "--rate", "0")), seconds = atof(option(argc, argv, "--seconds", "1"));
    struct sockaddr_in target = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)atoi(option(argc, argv, "--port", "9")))};
    if (strlen(ufrag) > 32) fail("ufrag");

    int sockets[SOCKETS];
    for (int i = 0; i < SOCKETS; i++) {
        sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
        if (sockets[i] < 0 || connect(sockets[i], (struct sockaddr *)&target, sizeof target) != 0) fail("socket");
    }
    static Message messages[STOCK];
    static struct iovec vectors[STOCK];
    static struct mmsghdr headers[STOCK];
    for (int i = 0; i < STOCK; i++) {
        messages[i] = make_message(i % KINDS, ufrag);
        vectors[i] = (struct iovec){messages[i].bytes, messages[i].length};
        headers[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    uint64_t sent = 0, batches = 0;
    double began = now();
    for (double time = 0; (time = now() - began) < seconds;) {
        if (rate > 0 && (double)sent > time * rate) {
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
            continue;
        }
        int count = sendmmsg(sockets[batches % SOCKETS], headers + batches * BATCH % STOCK, BATCH, 0);
        batches++;
        if (count > 0) sent += (uint64_t)count;
    }
    printf("{\"type\":\"flood\",\"sent\":%llu,\"seconds\":%f}\n", (unsigned long long)sent, now() - began);
    return 0;
}

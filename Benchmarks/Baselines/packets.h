// What bare programs send each other, and how they tell what it cost: the same as Sources/Data does over a call.
#pragma once

#include "clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA = 'x', RECEIPT = 'r', END = 'z', HEADER = 16, NUMBER = 8 };
enum { PER_TURN = 64, BUFFER_BYTES = 4 << 20, ENDS = 20 };

static const double SILENCE = 0.02;

static inline void set_number(char *packet, uint64_t number) { memcpy(packet + NUMBER, &number, sizeof number); }

static inline uint64_t number_of(const char *packet) {
    uint64_t number;
    memcpy(&number, packet + NUMBER, sizeof number);
    return number;
}

// What a sender has under way.
typedef struct {
    uint64_t window; // 0 sends all that goes
    uint64_t sent, accounted, accounted_at_tick;
} Flow;

static inline uint64_t room(const Flow *flow) {
    if (flow->window == 0) return PER_TURN;
    uint64_t under_way = flow->sent - flow->accounted;
    uint64_t free = flow->window > under_way ? flow->window - under_way : 0;
    return free < PER_TURN ? free : PER_TURN;
}

static inline void hear(Flow *flow, const char *packet, size_t size) {
    if (size < HEADER || packet[0] != RECEIPT) return;
    uint64_t number = number_of(packet);
    if (number > flow->sent) number = flow->sent;
    if (number > flow->accounted) flow->accounted = number;
}

// Silence since the last tick means that what is under way is lost.
static inline void tick(Flow *flow) {
    if (flow->accounted == flow->accounted_at_tick) flow->accounted = flow->sent;
    flow->accounted_at_tick = flow->accounted;
}

// What a receiver has counted.
typedef struct {
    uint64_t per_receipt, received, next, receipt_due;
    double began, seconds, cpu_before;
    bool is_over;
} Count;

static inline Count make_count(uint64_t window) {
    uint64_t per_receipt = window == 0 ? UINT64_MAX : window < 4 ? 1 : window / 4;
    return (Count){.per_receipt = per_receipt, .receipt_due = per_receipt};
}

static inline void take(Count *count, const char *packet, size_t size) {
    if (size < HEADER) return;
    if (packet[0] == END && !count->is_over) {
        count->seconds = now() - count->began;
        count->is_over = true;
    }
    if (packet[0] != DATA) return;
    if (count->received == 0) {
        count->began = now();
        count->cpu_before = cpu();
    }
    count->received++;
    uint64_t number = number_of(packet);
    if (number >= count->next) count->next = number + 1;
}

// Whether a receipt for all below `next` is due.
static inline bool is_receipt_due(Count *count) {
    if (count->received < count->receipt_due) return false;
    count->receipt_due = count->received + count->per_receipt;
    return true;
}

static inline void tell_port(unsigned port) {
    printf("{\"type\":\"listening\",\"port\":%u}\n", port);
    fflush(stdout);
}

static inline void tell_sent(const Flow *flow, double seconds, double spent) {
    printf("{\"type\":\"sender\",\"sent\":%llu,\"seconds\":%f,\"cpu\":%f}\n", (unsigned long long)flow->sent, seconds, spent);
}

static inline void tell_received(const Count *count) {
    printf(
        "{\"type\":\"receiver\",\"received\":%llu,\"seconds\":%f,\"cpu\":%f}\n", (unsigned long long)count->received,
        count->seconds, cpu() - count->cpu_before);
}

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

// The value behind "--name", or what it is without.
static inline const char *option(int argc, char *argv[], const char *name, const char *without) {
    for (int i = 2; i + 1 < argc; i += 2)
        if (strcmp(argv[i], name) == 0) return argv[i + 1];
    return without;
}

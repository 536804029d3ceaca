// What the peers' programs tell: a line before the first agent is made, one when all calls stand, and one at regular times after that.
#pragma once

#include "../Baselines/clock.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static inline size_t resident(void) {
    size_t total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%zu %zu", &total, &pages) != 2) pages = 0;
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static inline void tell_status(const char *type, int usable) {
    struct mallinfo2 heap = mallinfo2();
    printf(
        "{\"type\":\"%s\",\"cpu\":%f,\"heap\":%zu,\"resident\":%zu,\"usable\":%d}\n", type, cpu(),
        heap.uordblks + heap.hblkhd, resident(), usable);
    fflush(stdout);
}

static inline void tell_connected(int count, double seconds) {
    printf("{\"type\":\"connected\",\"count\":%d,\"seconds\":%f}\n", count, seconds);
    fflush(stdout);
}

// Of datagrams over one call: what was sent and what arrived, in how many seconds, and the processor time of the whole program.
static inline void tell_data(long sent, long received, double seconds, double spent) {
    printf(
        "{\"type\":\"data\",\"sent\":%ld,\"received\":%ld,\"seconds\":%f,\"cpu\":%f}\n", sent, received, seconds, spent);
    fflush(stdout);
}

static inline void raise_descriptor_limit(void) {
    struct rlimit wanted = {65536, 65536}, limit;
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static inline void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

// The value behind "--name", or what it is without.
static inline double option(int argc, char *argv[], const char *name, double without) {
    for (int i = 2; i + 1 < argc; i += 2)
        if (strcmp(argv[i], name) == 0) return atof(argv[i + 1]);
    return without;
}

#define _GNU_SOURCE
#include "measuring.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

double measuring_cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

size_t measuring_heap_bytes(void) {
#ifdef __GLIBC__
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

size_t measuring_resident_bytes(void) {
    size_t total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

void measuring_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    // Only root may pass the hard limit.
    struct rlimit wanted = {.rlim_cur = 65536, .rlim_max = 65536};
    if (limit.rlim_max < wanted.rlim_max && setrlimit(RLIMIT_NOFILE, &wanted) == 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static volatile sig_atomic_t has_ended;

static void note_end(int signal) {
    (void)signal;
    has_ended = 1;
}

void measuring_watch_for_end(void) {
    struct sigaction action = {.sa_handler = note_end};
    sigaction(SIGTERM, &action, NULL);
}

bool measuring_has_ended(void) { return has_ended != 0; }

bool measuring_write(int descriptor, const void *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes = (const char *)bytes + written;
        count -= (size_t)written;
    }
    return true;
}

size_t measuring_read(int descriptor, void *bytes, size_t capacity) {
    ssize_t count;
    do count = read(descriptor, bytes, capacity);
    while (count < 0 && errno == EINTR);
    return count > 0 ? (size_t)count : 0;
}

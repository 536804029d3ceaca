// Calls between agents of libjuice in one process: calls --count N --interval S, or data --size N --seconds S --window N.

#include "../../Interop/peers/juice.h"
#include "measuring.h"

#include <stdatomic.h>
#include <stdint.h>

enum { LARGEST = 65536 };

typedef struct Side {
    struct Side *peer;
    juice_agent *agent;
    bool is_connected;
} Side;

static atomic_int connected;
static atomic_long received;

// The state may be told more than once, but always on the library's one thread.
static void on_state(juice_agent *agent, int state, void *context) {
    (void)agent;
    Side *side = context;
    if ((state != CONNECTED && state != COMPLETED) || side->is_connected) return;
    side->is_connected = true;
    atomic_fetch_add(&connected, 1);
}

static void on_candidate(juice_agent *agent, const char *line, void *context) {
    (void)agent;
    juice_add_remote_candidate(((Side *)context)->peer->agent, line);
}

static void on_data(juice_agent *agent, const char *bytes, size_t size, void *context) {
    (void)agent, (void)bytes, (void)size, (void)context;
    atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
}

static void make_agent(Side *side, Side *peer) {
    juice_config config = {
        .concurrency_mode = POLL, .bind_address = "127.0.0.1", .on_state = on_state, .on_candidate = on_candidate,
        .on_data = on_data, .context = side};
    side->peer = peer;
    side->agent = juice_create(&config);
    if (side->agent == NULL) fail("no agent can be made");
}

// Each learns of the other before either gathers, so that candidates can be handed over as they come.
static void introduce(Side *caller, Side *callee) {
    char description[LONGEST_TEXT];
    juice_get_local_description(caller->agent, description, sizeof description);
    juice_set_remote_description(callee->agent, description);
    juice_get_local_description(callee->agent, description, sizeof description);
    juice_set_remote_description(caller->agent, description);
    juice_gather_candidates(caller->agent);
    juice_gather_candidates(callee->agent);
}

static Side *make_calls(int count) {
    Side *sides = calloc((size_t)count * 2, sizeof *sides);
    double began = now();
    for (int i = 0; i < 2 * count; i++) make_agent(&sides[i], &sides[i ^ 1]);
    for (int i = 0; i < 2 * count; i += 2) introduce(&sides[i], &sides[i + 1]);
    while (atomic_load(&connected) < 2 * count) {
        if (now() - began > 60) fail("not all calls were connected in time");
        usleep(200);
    }
    tell_connected(2 * count, now() - began);
    return sides;
}

static void hold(Side *sides, int count, double interval) {
    for (;;) {
        usleep((useconds_t)(interval * 1e6));
        int usable = 0;
        for (int i = 0; i < count; i++) {
            int state = juice_get_state(sides[i].agent);
            usable += state == CONNECTED || state == COMPLETED;
        }
        tell_status("status", usable);
    }
}

// The window is kept by what this process knows of both sides: no receipts are needed.
static void send_data(juice_agent *agent, size_t size, double seconds, long window) {
    static char packet[LARGEST];
    memset(packet, 'x', size);
    double began = now(), before = cpu(), last_news = began;
    long sent = 0, lost = 0, known = 0;
    while (now() - began < seconds) {
        long arrived = atomic_load_explicit(&received, memory_order_relaxed);
        if (arrived != known) last_news = now();
        known = arrived;
        if (sent - lost - arrived < window) {
            if (juice_send(agent, packet, size) == 0) sent++;
        } else if (now() - last_news > 0.02) {
            lost = sent - arrived;
        }
    }
    usleep(100000);
    tell_data(sent, atomic_load(&received), now() - began - 0.1, cpu() - before);
}

int main(int argc, char *argv[]) {
    raise_descriptor_limit();
    juice_set_log_level(LOG_NOTHING);
    tell_status("base", 0);
    if (argc > 1 && strcmp(argv[1], "data") == 0) {
        Side *sides = make_calls(1);
        usleep(500000);
        send_data(
            sides[0].agent, (size_t)option(argc, argv, "--size", 1200), option(argc, argv, "--seconds", 1),
            (long)option(argc, argv, "--window", 64));
    } else {
        int count = (int)option(argc, argv, "--count", 1);
        hold(make_calls(count), 2 * count, option(argc, argv, "--interval", 1));
    }
    return 0;
}

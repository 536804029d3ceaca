// Calls between agents of libnice in one process and one main context: calls --count N --interval S, or
// data --size N --seconds S --window N.

#include "measuring.h"

#include <agent.h>
#include <stdatomic.h>

enum { COMPONENT = NICE_COMPONENT_TYPE_RTP, STREAM = 1, LARGEST = 65536 };

typedef struct Side {
    struct Side *peer;
    NiceAgent *agent;
    bool is_connected;
    bool has_gathered;
} Side;

static GMainContext *context;
static int connected, gathered;
static atomic_long received;

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer data) {
    (void)agent, (void)stream, (void)component;
    Side *side = data;
    if ((state != NICE_COMPONENT_STATE_CONNECTED && state != NICE_COMPONENT_STATE_READY) || side->is_connected) return;
    side->is_connected = true;
    connected++;
}

static void introduce(Side *side) {
    gchar *ufrag = NULL, *password = NULL;
    nice_agent_get_local_credentials(side->peer->agent, STREAM, &ufrag, &password);
    nice_agent_set_remote_credentials(side->agent, STREAM, ufrag, password);
    g_free(ufrag);
    g_free(password);
    GSList *candidates = nice_agent_get_local_candidates(side->peer->agent, STREAM, COMPONENT);
    nice_agent_set_remote_candidates(side->agent, STREAM, COMPONENT, candidates);
    g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
}

static void on_gathering_done(NiceAgent *agent, guint stream, gpointer data) {
    (void)agent, (void)stream;
    Side *side = data;
    side->has_gathered = true;
    gathered++;
    if (!side->peer->has_gathered) return;
    introduce(side);
    introduce(side->peer);
}

static void on_data(NiceAgent *agent, guint stream, guint component, guint size, gchar *bytes, gpointer data) {
    (void)agent, (void)stream, (void)component, (void)size, (void)bytes, (void)data;
    atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
}

static void make_agent(Side *side, Side *peer, bool is_controlling) {
    side->peer = peer;
    NiceAgentOption flags = NICE_AGENT_OPTION_CONSENT_FRESHNESS | NICE_AGENT_OPTION_REGULAR_NOMINATION;
    side->agent = nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, flags);
    // UPnP is on by default, and would search for gateways by multicast.
    g_object_set(
        side->agent, "controlling-mode", is_controlling, "upnp", FALSE, "ice-tcp", FALSE, NULL);
    NiceAddress address;
    nice_address_init(&address);
    if (!nice_address_set_from_string(&address, "127.0.0.1") || !nice_agent_add_local_address(side->agent, &address))
        fail("no address");
    g_signal_connect(side->agent, "component-state-changed", G_CALLBACK(on_state), side);
    g_signal_connect(side->agent, "candidate-gathering-done", G_CALLBACK(on_gathering_done), side);
    if (nice_agent_add_stream(side->agent, 1) != STREAM) fail("no stream");
    nice_agent_attach_recv(side->agent, STREAM, COMPONENT, context, on_data, side);
}

static Side *make_calls(int count) {
    Side *sides = calloc((size_t)count * 2, sizeof *sides);
    double began = now();
    for (int i = 0; i < 2 * count; i++) make_agent(&sides[i], &sides[i ^ 1], i % 2 == 0);
    for (int i = 0; i < 2 * count; i++) nice_agent_gather_candidates(sides[i].agent, STREAM);
    while (connected < 2 * count) {
        if (now() - began > 60) fail("not all calls were connected in time");
        g_main_context_iteration(context, TRUE);
    }
    tell_connected(2 * count, now() - began);
    return sides;
}

static bool is_usable(NiceAgent *agent) {
    NiceComponentState state = nice_agent_get_component_state(agent, STREAM, COMPONENT);
    return state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY;
}

static gboolean wake(gpointer data) {
    (void)data;
    return G_SOURCE_CONTINUE;
}

static void hold(Side *sides, int count, double interval) {
    GSource *timer = g_timeout_source_new((guint)(interval * 1000));
    g_source_set_callback(timer, wake, NULL, NULL);
    g_source_attach(timer, context);
    double next = now() + interval;
    for (;;) {
        g_main_context_iteration(context, TRUE);
        if (now() < next) continue;
        next += interval;
        int usable = 0;
        for (int i = 0; i < count; i++) usable += is_usable(sides[i].agent);
        tell_status("status", usable);
    }
}

static gpointer run_context(gpointer data) {
    for (atomic_bool *is_over = data; !atomic_load(is_over);) g_main_context_iteration(context, TRUE);
    return NULL;
}

// This thread sends, another one receives. The window is kept by what the process knows of both sides: no receipts are needed.
static void send_data(NiceAgent *agent, guint size, double seconds, long window) {
    static char packet[LARGEST];
    memset(packet, 'x', size);
    atomic_bool is_over = false;
    GThread *receiver = g_thread_new("receiver", run_context, &is_over);
    double began = now(), before = cpu(), last_news = began;
    long sent = 0, lost = 0, known = 0;
    while (now() - began < seconds) {
        long arrived = atomic_load_explicit(&received, memory_order_relaxed);
        if (arrived != known) last_news = now();
        known = arrived;
        if (sent - lost - arrived < window) {
            if (nice_agent_send(agent, STREAM, COMPONENT, size, packet) == (gint)size) sent++;
        } else if (now() - last_news > 0.02) {
            lost = sent - arrived;
        }
    }
    double span = now() - began, spent = cpu() - before;
    g_usleep(100000);
    tell_data(sent, atomic_load(&received), span, spent);
    atomic_store(&is_over, true);
    g_main_context_wakeup(context);
    g_thread_join(receiver);
}

int main(int argc, char *argv[]) {
    raise_descriptor_limit();
    tell_status("base", 0);
    context = g_main_context_new();
    if (argc > 1 && strcmp(argv[1], "data") == 0) {
        Side *sides = make_calls(1);
        for (double began = now(); now() - began < 0.5;) g_main_context_iteration(context, FALSE);
        send_data(
            sides[0].agent, (guint)option(argc, argv, "--size", 1200), option(argc, argv, "--seconds", 1),
            (long)option(argc, argv, "--window", 64));
    } else {
        int count = (int)option(argc, argv, "--count", 1);
        hold(make_calls(count), 2 * count, option(argc, argv, "--interval", 1));
    }
    return 0;
}

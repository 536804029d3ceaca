// An agent of libnice behind JSON lines, as ice-peer speaks them (see Interop/README.md). One main loop, one thread.

#include <agent.h>
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct {
    gboolean controlled;
    gboolean no_trickle;
    gboolean echo;
    gboolean tcp_only;
    gchar *nomination;
    gchar *bind;
    gchar *stun;
} options;

static const GOptionEntry option_entries[] = {
    {"controlling", 0, G_OPTION_FLAG_REVERSE, G_OPTION_ARG_NONE, &options.controlled, "Choose the pair (default)", NULL},
    {"controlled", 0, 0, G_OPTION_ARG_NONE, &options.controlled, "Let the other agent choose the pair", NULL},
    {"nomination", 0, 0, G_OPTION_ARG_STRING, &options.nomination, "How a pair is chosen", "regular|eager"},
    {"no-trickle", 0, 0, G_OPTION_ARG_NONE, &options.no_trickle, "Tell candidates once all are gathered", NULL},
    {"bind", 0, 0, G_OPTION_ARG_STRING, &options.bind, "Use this local address only", "ADDRESS"},
    {"stun", 0, 0, G_OPTION_ARG_STRING, &options.stun, "A STUN server, by its IPv4 address", "ADDRESS:PORT"},
    {"echo", 0, 0, G_OPTION_ARG_NONE, &options.echo, "Send back what arrives", NULL},
    {"tcp-only", 0, 0, G_OPTION_ARG_NONE, &options.tcp_only, "Use TCP candidates alone", NULL},
    {NULL},
};

static const guint component_id = NICE_COMPONENT_TYPE_RTP;

static GMainLoop *main_loop;
static NiceAgent *agent;
static guint stream_id;
static GPtrArray *held_candidates; // Lines of candidates that wait for the end of gathering; null when trickling.

// MARK: Lines out

// Writes an object of strings: a type, then names and values, then NULL.
static void write_line(const char *type, ...) G_GNUC_NULL_TERMINATED;

static void write_line(const char *type, ...) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "type");
    json_builder_add_string_value(builder, type);
    va_list pairs;
    va_start(pairs, type);
    for (const char *name; (name = va_arg(pairs, const char *)) != NULL;) {
        json_builder_set_member_name(builder, name);
        json_builder_add_string_value(builder, va_arg(pairs, const char *));
    }
    va_end(pairs);
    json_builder_end_object(builder);

    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree gchar *text = json_to_string(root, FALSE);
    printf("%s\n", text);
    fflush(stdout);
}

static void write_error(const char *message) { write_line("error", "message", message, NULL); }

// The candidate's text as RFC 8839 has it, without the "a=" that libnice puts before it.
static gchar *candidate_text(NiceCandidate *candidate) {
    g_autofree gchar *line = nice_agent_generate_local_candidate_sdp(agent, candidate);
    return g_strdup(g_str_has_prefix(line, "a=") ? line + 2 : line);
}

static void write_credentials(void) {
    g_autofree gchar *ufrag = NULL, *password = NULL;
    nice_agent_get_local_credentials(agent, stream_id, &ufrag, &password);
    write_line("credentials", "ufrag", ufrag, "pwd", password, "impl", "libnice", NULL);
}

// MARK: From the agent

static void on_candidate(NiceAgent *source, NiceCandidate *candidate, gpointer context) {
    (void)source, (void)context;
    gchar *text = candidate_text(candidate);
    if (held_candidates != NULL) {
        g_ptr_array_add(held_candidates, text);
        return;
    }
    write_line("candidate", "candidate", text, NULL);
    g_free(text);
}

static void on_gathering_done(NiceAgent *source, guint stream, gpointer context) {
    (void)source, (void)stream, (void)context;
    for (guint i = 0; held_candidates != NULL && i < held_candidates->len; i++)
        write_line("candidate", "candidate", (gchar *)g_ptr_array_index(held_candidates, i), NULL);
    write_line("end-of-candidates", NULL);
}

static void on_state(NiceAgent *source, guint stream, guint component, guint state, gpointer context) {
    (void)source, (void)stream, (void)component, (void)context;
    switch ((NiceComponentState)state) {
    case NICE_COMPONENT_STATE_CONNECTING: write_line("state", "state", "checking", NULL); break;
    case NICE_COMPONENT_STATE_CONNECTED: write_line("state", "state", "connected", NULL); break;
    case NICE_COMPONENT_STATE_READY: write_line("state", "state", "completed", NULL); break;
    case NICE_COMPONENT_STATE_FAILED: write_line("state", "state", "failed", NULL); break;
    default: break;
    }
}

static void on_selected_pair(
    NiceAgent *source, guint stream, guint component, NiceCandidate *local, NiceCandidate *remote, gpointer context) {
    (void)source, (void)stream, (void)component, (void)context;
    g_autofree gchar *local_text = candidate_text(local), *remote_text = candidate_text(remote);
    write_line("selected", "local", local_text, "remote", remote_text, NULL);
}

static void on_data(NiceAgent *source, guint stream, guint component, guint length, gchar *bytes, gpointer context) {
    (void)source, (void)context;
    g_autofree gchar *text = g_utf8_make_valid(bytes, length);
    write_line("data", "data", text, NULL);
    if (options.echo) nice_agent_send(agent, stream, component, length, bytes);
}

// MARK: Lines in

static void take_candidate(const char *text) {
    g_autofree gchar *line = g_strconcat("a=", text, NULL);
    NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(agent, stream_id, line);
    if (candidate == NULL) {
        write_error("this candidate cannot be read");
        return;
    }
    GSList *list = g_slist_append(NULL, candidate);
    if (nice_agent_set_remote_candidates(agent, stream_id, component_id, list) < 0)
        write_error("the candidate was not taken");
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

// The sockets stay, so that the candidates of the new generation are those of the old one.
static void restart(void) {
    if (!nice_agent_restart(agent)) {
        write_error("there was no restart");
        return;
    }
    write_credentials();
    GSList *candidates = nice_agent_get_local_candidates(agent, stream_id, component_id);
    for (GSList *item = candidates; item != NULL; item = item->next) {
        g_autofree gchar *text = candidate_text(item->data);
        write_line("candidate", "candidate", text, NULL);
    }
    g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
    write_line("end-of-candidates", NULL);
}

static void take_data(const char *text) {
    gint length = (gint)strlen(text);
    if (nice_agent_send(agent, stream_id, component_id, (guint)length, text) != length)
        write_error("the datagram was not sent");
}

// Does what a line asks for; false when it asks to end.
static bool take_line(const char *line) {
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) root = json_from_string(line, &error);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        write_error(error != NULL ? error->message : "not an object");
        return true;
    }
    JsonObject *object = json_node_get_object(root);
    const char *type = json_object_get_string_member_with_default(object, "type", "");
    if (g_str_equal(type, "close")) return false;

    if (g_str_equal(type, "credentials")) {
        const char *ufrag = json_object_get_string_member_with_default(object, "ufrag", "");
        const char *password = json_object_get_string_member_with_default(object, "pwd", "");
        if (!nice_agent_set_remote_credentials(agent, stream_id, ufrag, password))
            write_error("the credentials were not taken");
    } else if (g_str_equal(type, "candidate")) {
        take_candidate(json_object_get_string_member_with_default(object, "candidate", ""));
    } else if (g_str_equal(type, "end-of-candidates")) {
        nice_agent_peer_candidate_gathering_done(agent, stream_id);
    } else if (g_str_equal(type, "restart")) {
        restart();
    } else if (g_str_equal(type, "send")) {
        take_data(json_object_get_string_member_with_default(object, "data", ""));
    } else {
        write_error("there is no message of this type");
    }
    return true;
}

static void read_next_line(GDataInputStream *input);

static void on_line(GObject *source, GAsyncResult *result, gpointer context) {
    (void)context;
    GDataInputStream *input = G_DATA_INPUT_STREAM(source);
    g_autofree gchar *line = g_data_input_stream_read_line_finish(input, result, NULL, NULL);
    if (line == NULL || !take_line(line)) {
        g_main_loop_quit(main_loop);
        return;
    }
    read_next_line(input);
}

static void read_next_line(GDataInputStream *input) {
    g_data_input_stream_read_line_async(input, G_PRIORITY_DEFAULT, NULL, on_line, NULL);
}

// MARK: Set-up

static NiceAgent *make_agent(void) {
    NiceAgentOption flags = NICE_AGENT_OPTION_CONSENT_FRESHNESS;
    if (g_strcmp0(options.nomination, "eager") != 0) flags |= NICE_AGENT_OPTION_REGULAR_NOMINATION;
    if (!options.no_trickle) flags |= NICE_AGENT_OPTION_ICE_TRICKLE;
    NiceAgent *made = nice_agent_new_full(g_main_loop_get_context(main_loop), NICE_COMPATIBILITY_RFC5245, flags);
    // UPnP is on by default, and would search for gateways by multicast.
    g_object_set(
        made, "controlling-mode", !options.controlled, "upnp", FALSE, "ice-tcp", options.tcp_only, "ice-udp",
        !options.tcp_only, NULL);
    return made;
}

static bool use_stun_server(const char *server) {
    g_autoptr(GSocketConnectable) where = g_network_address_parse(server, 3478, NULL);
    if (where == NULL) return false;
    GNetworkAddress *address = G_NETWORK_ADDRESS(where);
    g_object_set(
        agent, "stun-server", g_network_address_get_hostname(address), "stun-server-port",
        (guint)g_network_address_get_port(address), NULL);
    return true;
}

static bool use_local_address(const char *text) {
    NiceAddress address;
    nice_address_init(&address);
    return nice_address_set_from_string(&address, text) && nice_agent_add_local_address(agent, &address);
}

int main(int argc, char *argv[]) {
    g_autoptr(GOptionContext) parser = g_option_context_new("- libnice behind JSON lines");
    g_option_context_add_main_entries(parser, option_entries, NULL);
    g_autoptr(GError) error = NULL;
    if (!g_option_context_parse(parser, &argc, &argv, &error)) {
        write_error(error->message);
        return 64;
    }

    main_loop = g_main_loop_new(NULL, FALSE);
    agent = make_agent();
    if (options.no_trickle) held_candidates = g_ptr_array_new_with_free_func(g_free);
    if (options.bind != NULL && !use_local_address(options.bind)) {
        write_error("--bind takes an address");
        return 64;
    }
    if (options.stun != NULL && !use_stun_server(options.stun)) {
        write_error("--stun takes an address and a port");
        return 64;
    }

    g_signal_connect(agent, "new-candidate-full", G_CALLBACK(on_candidate), NULL);
    g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(on_gathering_done), NULL);
    g_signal_connect(agent, "component-state-changed", G_CALLBACK(on_state), NULL);
    g_signal_connect(agent, "new-selected-pair-full", G_CALLBACK(on_selected_pair), NULL);
    stream_id = nice_agent_add_stream(agent, 1);
    nice_agent_attach_recv(agent, stream_id, component_id, g_main_loop_get_context(main_loop), on_data, NULL);

    write_credentials();
    if (!nice_agent_gather_candidates(agent, stream_id)) write_error("no candidate can be gathered");

    g_autoptr(GInputStream) raw_input = g_unix_input_stream_new(0, FALSE);
    g_autoptr(GDataInputStream) input = g_data_input_stream_new(raw_input);
    read_next_line(input);
    g_main_loop_run(main_loop);

    write_line("state", "state", "closed", NULL);
    nice_agent_remove_stream(agent, stream_id);
    g_object_unref(agent);
    if (held_candidates != NULL) g_ptr_array_unref(held_candidates);
    return 0;
}

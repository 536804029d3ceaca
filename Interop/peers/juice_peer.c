// An agent of libjuice behind JSON lines, as ice-peer speaks them (see Interop/README.md).
//
// The library's callbacks come on threads of its own. An agent that is asked to describe itself, or to gather, before it knows its peer
// takes the controlling role: a controlled one is given its credentials, so that it need not be asked.

#include "juice.h"

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>
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
    {"nomination", 0, 0, G_OPTION_ARG_STRING, &options.nomination, "libjuice knows no other", "regular"},
    {"no-trickle", 0, 0, G_OPTION_ARG_NONE, &options.no_trickle, "Tell candidates once all are gathered", NULL},
    {"bind", 0, 0, G_OPTION_ARG_STRING, &options.bind, "Use this local address only", "ADDRESS"},
    {"stun", 0, 0, G_OPTION_ARG_STRING, &options.stun, "A STUN server", "HOST:PORT"},
    {"echo", 0, 0, G_OPTION_ARG_NONE, &options.echo, "Send back what arrives", NULL},
    {"tcp-only", 0, 0, G_OPTION_ARG_NONE, &options.tcp_only, "Tell TCP candidates alone, which are active", NULL},
    {NULL},
};

static GMutex lock; // Over the lines out and what is held back of them.
static GPtrArray *held_candidates;

// MARK: Lines out

// Writes an object of strings: a type, then names and values, then NULL.
static void write_line(const char *type, ...) G_GNUC_NULL_TERMINATED;

static void write_line(const char *type, ...) {
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "type", type);
    va_list pairs;
    va_start(pairs, type);
    for (const char *name; (name = va_arg(pairs, const char *)) != NULL;)
        json_object_set_string_member(object, name, va_arg(pairs, const char *));
    va_end(pairs);
    g_autoptr(JsonNode) root = json_node_init_object(json_node_alloc(), object);
    g_autofree gchar *text = json_to_string(root, FALSE);
    printf("%s\n", text);
    fflush(stdout);
}

static void write_error(const char *message) { write_line("error", "message", message, NULL); }

static void check(int result, const char *message) {
    if (result < 0) write_error(message);
}

// The library writes "a=" before each candidate.
static const char *candidate_text(const char *line) { return line + (g_str_has_prefix(line, "a=") ? 2 : 0); }

static void write_credentials(const char *ufrag, const char *password) {
    write_line("credentials", "ufrag", ufrag, "pwd", password, "impl", "libjuice", NULL);
}

static void tell_credentials(juice_agent *agent) {
    char description[LONGEST_TEXT];
    juice_get_local_description(agent, description, sizeof description);
    g_auto(GStrv) lines = g_strsplit_set(description, "\r\n", -1);
    const char *ufrag = "", *password = "";
    for (gchar **line = lines; *line != NULL; line++) {
        if (g_str_has_prefix(*line, "a=ice-ufrag:")) ufrag = *line + strlen("a=ice-ufrag:");
        if (g_str_has_prefix(*line, "a=ice-pwd:")) password = *line + strlen("a=ice-pwd:");
    }
    write_credentials(ufrag, password);
}

static gchar *random_characters(size_t count) {
    g_autofree gchar *uuid = g_uuid_string_random();
    g_auto(GStrv) digits = g_strsplit(uuid, "-", -1);
    gchar *text = g_strjoinv(NULL, digits);
    text[count] = '\0';
    return text;
}

static void choose_credentials(juice_agent *agent) {
    g_autofree gchar *ufrag = random_characters(8), *password = random_characters(32);
    check(juice_set_local_ice_attributes(agent, ufrag, password), "the credentials can't be set");
    write_credentials(ufrag, password);
}

// MARK: From the agent

static void on_candidate(juice_agent *agent, const char *line, void *context) {
    (void)agent, (void)context;
    // There is always UDP, but it is of no use to a peer that hears nothing of it.
    if (options.tcp_only && strstr(line, "tcptype") == NULL) return;
    g_mutex_lock(&lock);
    if (options.no_trickle)
        g_ptr_array_add(held_candidates, g_strdup(candidate_text(line)));
    else
        write_line("candidate", "candidate", candidate_text(line), NULL);
    g_mutex_unlock(&lock);
}

static void on_gathering_done(juice_agent *agent, void *context) {
    (void)agent, (void)context;
    g_mutex_lock(&lock);
    for (guint i = 0; i < held_candidates->len; i++)
        write_line("candidate", "candidate", (gchar *)g_ptr_array_index(held_candidates, i), NULL);
    write_line("end-of-candidates", NULL);
    g_mutex_unlock(&lock);
}

static void on_state(juice_agent *agent, int state, void *context) {
    (void)context;
    static const char *names[] = {"disconnected", NULL, "checking", "connected", "completed", "failed"};
    if (state < 0 || state > FAILED || names[state] == NULL) return;
    g_mutex_lock(&lock);
    char local[LONGEST_TEXT], remote[LONGEST_TEXT];
    bool has_pair = state == CONNECTED || state == COMPLETED;
    if (has_pair && juice_get_selected_candidates(agent, local, sizeof local, remote, sizeof remote) == 0)
        write_line("selected", "local", candidate_text(local), "remote", candidate_text(remote), NULL);
    write_line("state", "state", names[state], NULL);
    g_mutex_unlock(&lock);
}

static void on_data(juice_agent *agent, const char *bytes, size_t size, void *context) {
    (void)context;
    g_autofree gchar *text = g_utf8_make_valid(bytes, (gssize)size);
    g_mutex_lock(&lock);
    write_line("data", "data", text, NULL);
    g_mutex_unlock(&lock);
    if (options.echo) juice_send(agent, bytes, size);
}

// MARK: Lines in

static void take_credentials(juice_agent *agent, const char *ufrag, const char *password) {
    g_autofree gchar *text =
        g_strdup_printf("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:ice2,trickle\r\n", ufrag, password);
    check(juice_set_remote_description(agent, text), "the credentials were not taken");
    if (options.controlled) check(juice_gather_candidates(agent), "no candidate can be gathered");
}

static const char *member(JsonObject *object, const char *name) {
    return json_object_get_string_member_with_default(object, name, "");
}

// Does what a line asks for; false when it asks to end.
static bool take_line(juice_agent *agent, const char *line) {
    g_autoptr(JsonNode) root = json_from_string(line, NULL);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        write_error("not an object");
        return true;
    }
    JsonObject *object = json_node_get_object(root);
    const char *type = member(object, "type");
    if (g_str_equal(type, "close")) return false;

    if (g_str_equal(type, "credentials")) {
        take_credentials(agent, member(object, "ufrag"), member(object, "pwd"));
    } else if (g_str_equal(type, "candidate")) {
        g_autofree gchar *text = g_strconcat("a=", member(object, "candidate"), NULL);
        check(juice_add_remote_candidate(agent, text), "the candidate was not taken");
    } else if (g_str_equal(type, "end-of-candidates")) {
        check(juice_set_remote_gathering_done(agent), "the end of candidates was not taken");
    } else if (g_str_equal(type, "send")) {
        const char *data = member(object, "data");
        check(juice_send(agent, data, strlen(data)), "the datagram was not sent");
    } else {
        write_error("there is no message of this type");
    }
    return true;
}

// MARK: Set-up

static bool use_stun_server(juice_config *config, gchar *server) {
    gchar *colon = strrchr(server, ':');
    if (colon == NULL) return false;
    *colon = '\0';
    config->stun_server_host = server;
    config->stun_server_port = (uint16_t)g_ascii_strtoull(colon + 1, NULL, 10);
    return config->stun_server_port != 0;
}

int main(int argc, char *argv[]) {
    g_autoptr(GOptionContext) parser = g_option_context_new("- libjuice behind JSON lines");
    g_option_context_add_main_entries(parser, option_entries, NULL);
    g_autoptr(GError) error = NULL;
    if (!g_option_context_parse(parser, &argc, &argv, &error)) {
        write_error(error->message);
        return 64;
    }

    juice_config config = {
        .bind_address = options.bind,
        .on_state = on_state,
        .on_candidate = on_candidate,
        .on_gathering_done = on_gathering_done,
        .on_data = on_data,
    };
    if (options.stun != NULL && !use_stun_server(&config, options.stun)) {
        write_error("--stun takes a host and a port");
        return 64;
    }
    held_candidates = g_ptr_array_new_with_free_func(g_free);
    juice_set_log_level(LOG_NOTHING);
    juice_agent *agent = juice_create(&config);
    if (agent == NULL) {
        write_error("no agent can be made");
        return 70;
    }
    if (options.tcp_only) juice_set_ice_tcp_mode(agent, ACTIVE_TCP);
    if (options.controlled) {
        choose_credentials(agent);
    } else {
        tell_credentials(agent);
        check(juice_gather_candidates(agent), "no candidate can be gathered");
    }

    gchar *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0 && take_line(agent, line)) {}
    free(line);

    juice_destroy(agent);
    write_line("state", "state", "closed", NULL);
    g_ptr_array_unref(held_candidates);
    return 0;
}

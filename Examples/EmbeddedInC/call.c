#include "call.h"

#include <string.h>

#include "lines.h"

// MARK: What the client tells

static void on_candidate(void *context, const char *candidate) {
    (void)context;
    if (candidate != NULL)
        lines_write(json_pack("{s:s, s:s}", "type", "candidate", "candidate", candidate));
    else
        lines_write(json_pack("{s:s}", "type", "end-of-candidates"));
}

static void on_candidate_error(void *context, const swift_ice_candidate_error *error) {
    (void)context;
    lines_write(json_pack(
        "{s:s, s:s, s:i, s:s}", "type", "candidate-error", "url", error->url, "code", error->code, "message", error->text));
}

static void on_state(void *context, int state, const char *failure) {
    (void)context;
    // What s:s* has no text for is left out.
    lines_write(json_pack(
        "{s:s, s:s, s:s*}", "type", "state", "state", swift_ice_state_name(state), "reason", failure));
}

static void on_selected_pair(void *context, const char *local, const char *remote) {
    (void)context;
    lines_write(json_pack("{s:s, s:s, s:s}", "type", "selected", "local", local, "remote", remote));
}

static void on_failed_pair(void *context, const char *local, const char *remote, const char *reason) {
    (void)context;
    lines_write(json_pack(
        "{s:s, s:s, s:s, s:s}", "type", "pair-failed", "local", local, "remote", remote, "reason", reason));
}

static void on_restart_needed(void *context, const char *reason) {
    (void)context;
    lines_write(json_pack("{s:s, s:s}", "type", "restart-needed", "reason", reason));
}

static void on_data(void *context, const uint8_t *bytes, size_t count) {
    call *call = context;
    json_t *text = json_stringn((const char *)bytes, count);
    if (text != NULL)
        lines_write(json_pack("{s:s, s:o}", "type", "data", "data", text));
    else
        lines_write_error("a datagram is not UTF-8");
    // An echo that the socket does not take is lost like any datagram.
    if (call->echoes) (void)swift_ice_client_send(call->client, bytes, count);
}

// MARK: What the client is told

// Whether it went well; what went wrong is written.
static bool check(const call *call, int status) {
    if (status == SWIFT_ICE_OK) return true;
    char message[512];
    snprintf(message, sizeof message, "%s: %s", swift_ice_status_name(status), swift_ice_error_message(call->ice));
    lines_write_error(message);
    return false;
}

static json_t *options_as_list(const char *options) {
    json_t *list = json_array();
    while (*options != '\0') {
        size_t length = strcspn(options, " ");
        if (length > 0) json_array_append_new(list, json_stringn(options, length));
        options += length + (options[length] == ' ');
    }
    return list;
}

static void show_credentials(call *call) {
    lines_write(json_pack(
        "{s:s, s:s, s:s, s:o}", "type", "credentials", "ufrag", swift_ice_client_local_ufrag(call->client), "pwd",
        swift_ice_client_local_pwd(call->client), "options",
        options_as_list(swift_ice_client_local_options(call->client))));
}

static void restart(call *call) {
    if (check(call, swift_ice_client_restart(call->client))) show_credentials(call);
}

static void take_credentials(call *call, const json_t *line) {
    char options[256] = "";
    size_t index;
    json_t *option;
    json_array_foreach(json_object_get(line, "options"), index, option) {
        const char *text = json_string_value(option);
        size_t length = strlen(options);
        if (text != NULL) snprintf(options + length, sizeof options - length, "%s ", text);
    }
    const char *ufrag = json_string_value(json_object_get(line, "ufrag"));
    const char *pwd = json_string_value(json_object_get(line, "pwd"));
    bool is_lite = json_is_true(json_object_get(line, "lite"));
    if (call->awaited_answers > 0) {
        // Of several restarts of ours only the last answer counts.
        if (--call->awaited_answers > 0) return;
    } else {
        // Nobody asked for them: the other side has restarted, which is answered with a restart.
        restart(call);
    }
    check(call, swift_ice_client_set_remote_parameters(call->client, ufrag, pwd, options, is_lite));
}

bool call_take(call *call, const json_t *line) {
    const char *type = json_string_value(json_object_get(line, "type"));
    if (type == NULL) {
        lines_write_error("a line needs a type");
    } else if (strcmp(type, "close") == 0) {
        return false;
    } else if (strcmp(type, "credentials") == 0) {
        take_credentials(call, line);
    } else if (strcmp(type, "candidate") == 0) {
        const char *candidate = json_string_value(json_object_get(line, "candidate"));
        check(call, swift_ice_client_add_remote_candidate(call->client, candidate));
    } else if (strcmp(type, "end-of-candidates") == 0) {
        check(call, swift_ice_client_end_remote_candidates(call->client));
    } else if (strcmp(type, "restart") == 0) {
        call->awaited_answers++;
        restart(call);
    } else if (strcmp(type, "send") == 0) {
        const json_t *data = json_object_get(line, "data");
        check(call, swift_ice_client_send(call->client, json_string_value(data), json_string_length(data)));
    }
    // All else is what the other side tells whoever runs it: its output may be piped here as it is.
    return true;
}

// MARK: Life

int call_start(call *call, swift_ice_config *config) {
    config->user_data = call;
    config->on_candidate = on_candidate;
    config->on_candidate_error = on_candidate_error;
    config->on_state = on_state;
    config->on_selected_pair = on_selected_pair;
    config->on_failed_pair = on_failed_pair;
    config->on_restart_needed = on_restart_needed;
    config->on_data = on_data;
    int status = swift_ice_client_create(call->ice, config, &call->client);
    if (status != SWIFT_ICE_OK) return status;
    call->awaited_answers = 1;
    show_credentials(call);
    swift_ice_client_gather(call->client);
    swift_ice_client_process(call->client);
    return SWIFT_ICE_OK;
}

void call_end(call *call) {
    swift_ice_client_free(call->client);
    call->client = NULL;
    lines_write(json_pack("{s:s, s:s}", "type", "state", "state", swift_ice_state_name(SWIFT_ICE_STATE_CLOSED)));
}

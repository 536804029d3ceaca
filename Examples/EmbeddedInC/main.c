// An ICE agent in a C program that has a libuv loop of its own: what a server does that is not written in Swift.
//
// It speaks the JSON lines of Interop/README.md, so that it can be connected with ice-peer, or with itself:
//
//     mkfifo there; .build/embedded-in-c --loopback <there | .build/embedded-in-c --loopback --controlled --echo >there

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "call.h"
#include "lines.h"

static const char usage[] =
    "usage: embedded-in-c [--controlling | --controlled] [--loopback] [--bind ADDRESS] [--stun HOST:PORT]\n"
    "                     [--profile standard|fast|server] [--nomination regular|eager] [--echo]\n";

// What is wrong with the command line; null if nothing is.
static const char *read_options(
    int count, char **words, swift_ice_config *config, swift_ice_server *server, const char **address, call *call) {
    static char url[256];
    for (int i = 1; i < count; i++) {
        const char *word = words[i];
        const char *value = i + 1 < count ? words[i + 1] : "";
        if (strcmp(word, "--controlling") == 0) {
            config->role = SWIFT_ICE_CONTROLLING;
        } else if (strcmp(word, "--controlled") == 0) {
            config->role = SWIFT_ICE_CONTROLLED;
        } else if (strcmp(word, "--loopback") == 0) {
            config->includes_loopback = 1;
        } else if (strcmp(word, "--echo") == 0) {
            call->echoes = true;
        } else if (strcmp(word, "--bind") == 0) {
            *address = words[++i];
            config->local_addresses = address;
            config->local_address_count = 1;
        } else if (strcmp(word, "--stun") == 0) {
            snprintf(url, sizeof url, "stun:%s", value);
            server->url = url;
            config->servers = server;
            config->server_count = 1;
            i++;
        } else if (strcmp(word, "--profile") == 0) {
            config->pacing = strcmp(value, "fast") == 0     ? SWIFT_ICE_PACING_FAST
                             : strcmp(value, "server") == 0 ? SWIFT_ICE_PACING_SERVER
                                                            : SWIFT_ICE_PACING_STANDARD;
            i++;
        } else if (strcmp(word, "--nomination") == 0) {
            config->nomination = strcmp(value, "eager") == 0 ? SWIFT_ICE_NOMINATION_EAGER : SWIFT_ICE_NOMINATION_REGULAR;
            i++;
        } else {
            return word;
        }
    }
    return NULL;
}

static void on_line(lines *input, const json_t *line) {
    if (call_take(input->context, line)) return;
    call_end(input->context);
    lines_stop(input);
}

static void on_end(lines *input) { call_end(input->context); }

int main(int count, char **words) {
    // Nobody reading any more is no reason to die: the end of input is.
    signal(SIGPIPE, SIG_IGN);
    call call = {0};
    swift_ice_server server = {0};
    const char *address = NULL;
    swift_ice_config config = {.size = sizeof config};
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) return fputs(usage, stdout) < 0;
    }
    const char *unknown = read_options(count, words, &config, &server, &address, &call);
    if (unknown != NULL) {
        fprintf(stderr, "embedded-in-c does not know %s\n%s", unknown, usage);
        return 64;
    }

    uv_loop_t loop;
    int status = uv_loop_init(&loop);
    if (status == 0 && swift_ice_loop_adopt(&loop, &call.ice) != SWIFT_ICE_OK) status = UV_ENOMEM;
    if (status != 0) {
        fprintf(stderr, "embedded-in-c: there is no loop: %s\n", uv_strerror(status));
        return 1;
    }
    lines input = {.on_line = on_line, .on_end = on_end, .context = &call};
    int failed = 0;
    if (call_start(&call, &config) != SWIFT_ICE_OK) {
        fprintf(stderr, "embedded-in-c: %s\n", swift_ice_error_message(call.ice));
        failed = 1;
    } else if ((status = lines_start(&input, &loop)) != 0) {
        fprintf(stderr, "embedded-in-c: standard input has to be a pipe or a terminal: %s\n", uv_strerror(status));
        call_end(&call);
        failed = 1;
    } else {
        // Until the call has ended and nothing is left open.
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    swift_ice_loop_free(call.ice);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop) != 0) {
        fputs("embedded-in-c: something was left open on the loop\n", stderr);
        failed = 1;
    }
    return failed;
}

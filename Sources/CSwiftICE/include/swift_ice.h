/*
 * swift_ice.h - ICE (RFC 8445) for C programs that have a libuv loop.
 *
 *     swift_ice_loop *ice = NULL;
 *     swift_ice_client *client = NULL;
 *     swift_ice_config config = {.size = sizeof config, .user_data = call, .on_candidate = signal_candidate, .on_data = take};
 *     if (swift_ice_loop_adopt(uv_default_loop(), &ice) != SWIFT_ICE_OK) ...
 *     if (swift_ice_client_create(ice, &config, &client) != SWIFT_ICE_OK) puts(swift_ice_error_message(ice));
 *     signal_credentials(swift_ice_client_local_ufrag(client), swift_ice_client_local_pwd(client));
 *     swift_ice_client_gather(client);
 *     swift_ice_client_process(client);
 *     uv_run(uv_default_loop(), UV_RUN_DEFAULT);
 *
 * Threads. There are no locks: every function that takes a loop or a client belongs on the thread that runs that loop, and every
 * callback comes on it. A program may have several loops, each on a thread of its own. Other threads reach a loop with uv_async_send.
 *
 * Callbacks. None is called inside the function that causes it, but on a later turn of the loop; none after swift_ice_client_close. Inside
 * a callback every function here may be called, those included that close and free the client it is about.
 *
 * Ownership. What _create and _adopt hand out belongs to the caller, who gives each back once, with _free. Configurations, and the texts
 * and bytes that are handed over, are copied before a function returns. Texts and bytes that a callback is handed are borrowed until it
 * returns. All texts are UTF-8 and end in NUL.
 *
 * Errors. A function that can fail returns SWIFT_ICE_OK (0) or a negative code; nothing has changed then, unless it says otherwise. A null
 * handle is SWIFT_ICE_INVALID_ARGUMENT, a call after close SWIFT_ICE_CLOSED. swift_ice_error_message has the words for it. What goes wrong
 * after a function has returned comes by callback.
 */
#ifndef SWIFT_ICE_H
#define SWIFT_ICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* libuv's uv_loop_t. */
struct uv_loop_s;

/* What swift-ice keeps on a libuv loop, for all clients there. */
typedef struct swift_ice_loop swift_ice_loop;

/* One side of an ICE session. */
typedef struct swift_ice_client swift_ice_client;

/* What functions return; further codes may be added, all of them negative. */
enum {
    SWIFT_ICE_OK = 0,
    /* A null pointer where none may be, a size or a choice that this library does not know, or text that is not UTF-8. */
    SWIFT_ICE_INVALID_ARGUMENT = -1,
    /* The client or its loop was closed. */
    SWIFT_ICE_CLOSED = -2,
    /* No pair carries data: none works yet, or the peer has been silent for too long. */
    SWIFT_ICE_NOT_CONNECTED = -3,
    /* The socket's buffer is full and the datagram is lost, as on any lossy path. */
    SWIFT_ICE_WOULD_BLOCK = -4,
    /* The datagram is larger than the socket takes. */
    SWIFT_ICE_MESSAGE_TOO_LARGE = -5,
    /* The peer has restarted: call swift_ice_client_restart, signal the new credentials, then set the peer's again. */
    SWIFT_ICE_REMOTE_PARAMETERS_ALREADY_SET = -6,
    /* A candidate, credentials, an address or a server's URL that is none. */
    SWIFT_ICE_MALFORMED = -7,
    /* The system refused something; the message has its words, but for swift_ice_loop_adopt. */
    SWIFT_ICE_SYSTEM = -8,
    /* Any other fault; the message tells which. */
    SWIFT_ICE_OTHER = -9
};

/* How far a session has come, in WebRTC's words. */
enum {
    SWIFT_ICE_STATE_NEW = 0,
    SWIFT_ICE_STATE_CHECKING = 1,
    /* A pair carries data. */
    SWIFT_ICE_STATE_CONNECTED = 2,
    /* The pair is nominated, and neither side has more candidates. */
    SWIFT_ICE_STATE_COMPLETED = 3,
    /* The peer has not been heard of for a while; it may come back. */
    SWIFT_ICE_STATE_DISCONNECTED = 4,
    /* Only a restart helps. */
    SWIFT_ICE_STATE_FAILED = 5,
    SWIFT_ICE_STATE_CLOSED = 6
};

enum { SWIFT_ICE_CONTROLLING = 0, SWIFT_ICE_CONTROLLED = 1 };
enum { SWIFT_ICE_PACING_STANDARD = 0, SWIFT_ICE_PACING_FAST = 1, SWIFT_ICE_PACING_SERVER = 2 };
enum { SWIFT_ICE_NOMINATION_REGULAR = 0, SWIFT_ICE_NOMINATION_EAGER = 1 };

/* A STUN or TURN server. This struct will not change. */
typedef struct swift_ice_server {
    /* stun:host[:port], stuns:..., turn:host[:port][?transport=udp|tcp], turns:... */
    const char *url;
    /* Both are needed with TURN, and may be null otherwise. */
    const char *username;
    const char *credential;
} swift_ice_server;

/* A server that gave no candidate. */
typedef struct swift_ice_candidate_error {
    /* Empty where it is no server's fault: no socket could be bound. */
    const char *url;
    /* The STUN error code, 300 to 699, or 701 for a server that can't be reached. */
    int code;
    /* What went wrong and what to do about it. */
    const char *text;
} swift_ice_candidate_error;

/*
 * How a client works, and whom it tells. A member that is 0 or null stands for the default; callbacks that are null are not called.
 *
 * Set size to sizeof(swift_ice_config): it says which members there are, so that a program goes on working when a later version of this
 * library has more of them, at the end. A struct with more members than the library knows is refused unless they are all 0.
 */
typedef struct swift_ice_config {
    size_t size;

    /* Handed to every callback. */
    void *user_data;

    /* SWIFT_ICE_CONTROLLING or SWIFT_ICE_CONTROLLED; the peers settle a conflict by themselves. */
    int role;
    int pacing;
    int nomination;
    /* Whether to be an ICE-lite agent, for servers on public addresses: it sends no checks, and takes the pair the peer nominates. */
    int is_lite;
    /* Whether 127.0.0.1 and ::1 become candidates. */
    int includes_loopback;
    /* Whether nothing but relayed candidates is used. */
    int uses_relays_only;
    /* Whether to gather for as long as the session lasts, as addresses come and go. Gathering then never ends. */
    int gathers_continually;
    /* Whether to restart when the last path is lost; on_restart_needed then says that there are new credentials to signal. */
    int restarts_by_itself;
    /* The local ports of the sockets; both 0 leave the choice to the system. */
    uint16_t first_port;
    uint16_t last_port;
    const swift_ice_server *servers;
    size_t server_count;
    /* The only local addresses to use, as text; none uses all. */
    const char *const *local_addresses;
    size_t local_address_count;

    /* A local candidate to be signalled, such as "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"; null once there are no more. */
    void (*on_candidate)(void *user_data, const char *candidate);
    /* A candidate is none any more, as its address is gone; only with gathers_continually. */
    void (*on_candidate_removed)(void *user_data, const char *candidate);
    /* A server gave no candidate; gathering goes on. */
    void (*on_candidate_error)(void *user_data, const swift_ice_candidate_error *error);
    /* One of SWIFT_ICE_STATE_...; failure says why it is SWIFT_ICE_STATE_FAILED, and is null in every other state. */
    void (*on_state)(void *user_data, int state, const char *failure);
    /* Data goes over another pair than before; both ends as candidate lines. */
    void (*on_selected_pair)(void *user_data, const char *local, const char *remote);
    /* A pair was nominated. */
    void (*on_nominated_pair)(void *user_data, const char *local, const char *remote);
    /* A pair's check failed. */
    void (*on_failed_pair)(void *user_data, const char *local, const char *remote, const char *reason);
    /* A datagram of the peer. */
    void (*on_data)(void *user_data, const uint8_t *bytes, size_t count);
    /* A path is lost, or a better one is known, and only a restart helps. */
    void (*on_restart_needed)(void *user_data, const char *reason);
} swift_ice_config;

/*
 * The loop
 */

/*
 * Prepares a libuv loop for clients. The loop stays the program's, which runs it. SWIFT_ICE_SYSTEM says that libuv could not wake the loop
 * from other threads, as a rule because the process has no descriptor left; there is no handle then to ask for the system's words.
 */
int swift_ice_loop_adopt(struct uv_loop_s *loop, swift_ice_loop **result);

/*
 * Closes all clients on the loop and all that swift-ice has on it, and gives the handle back; null does nothing. Clients still have to be
 * given back, before or after this. The program has to run its loop once more before uv_loop_close succeeds.
 */
void swift_ice_loop_free(swift_ice_loop *loop);

/* What went wrong in the last call that failed on this loop, its clients included, and what to do; empty if none did. It stays as it is until
 * the next call that fails there, or the loop is given back. */
const char *swift_ice_error_message(const swift_ice_loop *loop);

/* The name of a code, such as "not-connected"; it stays for ever. */
const char *swift_ice_status_name(int status);

/* The name of a state, such as "connected"; it stays for ever. */
const char *swift_ice_state_name(int state);

/*
 * The client
 */

/* Makes a client. Nothing happens before swift_ice_client_gather or _process. */
int swift_ice_client_create(swift_ice_loop *loop, const swift_ice_config *config, swift_ice_client **result);

/* Closes the client and gives the handle back, which must not be used again; null does nothing. */
void swift_ice_client_free(swift_ice_client *client);

/*
 * Ends the session and frees its sockets; the peer is not told, signal it. No callback comes after this, and user_data is forgotten. The
 * handle stays valid until it is given back. Closing again does nothing.
 */
int swift_ice_client_close(swift_ice_client *client);

/*
 * What to signal to the peer: a=ice-ufrag, a=ice-pwd (a secret) and the tokens of a=ice-options, with spaces between. They change when the
 * client restarts, and stay as they are until then, or until it is given back. Null after close.
 */
const char *swift_ice_client_local_ufrag(swift_ice_client *client);
const char *swift_ice_client_local_pwd(swift_ice_client *client);
const char *swift_ice_client_local_options(swift_ice_client *client);

/* Takes what the peer signalled, before or after its candidates; options may be null. is_lite says whether it has a=ice-lite. */
int swift_ice_client_set_remote_parameters(
    swift_ice_client *client, const char *ufrag, const char *pwd, const char *options, int is_lite);

/* Adds a candidate line of the peer, with or without "a=", at any time; one of a type that is not used here is ignored. */
int swift_ice_client_add_remote_candidate(swift_ice_client *client, const char *candidate);

/* The peer has no more candidates. */
int swift_ice_client_end_remote_candidates(swift_ice_client *client);

/* Begins to gather candidates; on_candidate tells them. */
int swift_ice_client_gather(swift_ice_client *client);

/* Begins the checks, over the pairs there are and those that come. */
int swift_ice_client_process(swift_ice_client *client);

/* Sends one datagram, from the state connected on. As with any datagram, SWIFT_ICE_OK does not mean that it arrives. */
int swift_ice_client_send(swift_ice_client *client, const void *bytes, size_t count);

/*
 * Begins a new generation, while the pair in use carries data: signal the new credentials, then the candidates that on_candidate tells.
 * The peer has to restart too, before its new credentials are set.
 */
int swift_ice_client_restart(swift_ice_client *client);

/* One of SWIFT_ICE_STATE_...; it may be ahead of on_state. */
int swift_ice_client_state(const swift_ice_client *client);

#ifdef __cplusplus
}
#endif

#endif

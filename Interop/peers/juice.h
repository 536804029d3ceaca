// What is used of libjuice. The library comes inside a wheel that has no header for it.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct juice_agent juice_agent;

// The states of an agent, the ways in which it may wait, whether it opens connections, and what is logged.
enum { DISCONNECTED, GATHERING, CONNECTING, CONNECTED, COMPLETED, FAILED };
enum { POLL, MUX };
enum { NO_TCP, ACTIVE_TCP };
enum { LOG_NOTHING = 6, LONGEST_TEXT = 4096 };

// The order of the members is the library's.
typedef struct {
    int concurrency_mode;
    const char *stun_server_host;
    uint16_t stun_server_port;
    void *turn_servers;
    int turn_servers_count;
    const char *bind_address;
    uint16_t local_port_range_begin, local_port_range_end;
    void (*on_state)(juice_agent *, int, void *);
    void (*on_candidate)(juice_agent *, const char *, void *);
    void (*on_gathering_done)(juice_agent *, void *);
    void (*on_data)(juice_agent *, const char *, size_t, void *);
    void *context;
    // For members that a newer library may look at.
    void *reserved[16];
} juice_config;

extern juice_agent *juice_create(const juice_config *config);
extern void juice_destroy(juice_agent *agent);
extern int juice_set_ice_tcp_mode(juice_agent *agent, int mode);
extern int juice_gather_candidates(juice_agent *agent);
extern int juice_set_local_ice_attributes(juice_agent *agent, const char *ufrag, const char *password);
extern int juice_get_local_description(juice_agent *agent, char *text, size_t size);
extern int juice_set_remote_description(juice_agent *agent, const char *text);
extern int juice_add_remote_candidate(juice_agent *agent, const char *text);
extern int juice_set_remote_gathering_done(juice_agent *agent);
extern int juice_get_state(juice_agent *agent);
extern int juice_send(juice_agent *agent, const char *bytes, size_t size);
extern int juice_get_selected_candidates(
    juice_agent *agent, char *local, size_t local_size, char *remote, size_t remote_size);
extern void juice_set_log_level(int level);

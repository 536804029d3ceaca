// An ICE client behind JSON lines, the subset of Interop/README.md that a call needs.
#ifndef CALL_H
#define CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <swift_ice.h>

typedef struct call {
    swift_ice_loop *ice;
    swift_ice_client *client;
    bool echoes;
    // How many of our credentials the other side has still to answer with its own.
    int awaited_answers;
} call;

// Makes the client and starts it; the configuration's callbacks and user data are set here. An swift_ice status.
int call_start(call *call, swift_ice_config *config);

// Does what a line from the other side asks for; false when it asks to end.
bool call_take(call *call, const json_t *line);

// Ends the call and gives the client back.
void call_end(call *call);

#endif

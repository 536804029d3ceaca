// Lines of JSON over standard input and output, on a libuv loop.
#ifndef LINES_H
#define LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

typedef struct lines lines;

struct lines {
    // Called with each line that is an object; it is borrowed for the call.
    void (*on_line)(lines *input, const json_t *line);
    // Called once, at the end of input or where it cannot be read any more.
    void (*on_end)(lines *input);
    void *context;

    union {
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tty_t terminal;
    } handle;
    char *text;
    size_t length, capacity;
    bool has_ended;
};

// Begins to read; a libuv error where standard input is neither a pipe nor a terminal.
int lines_start(lines *input, uv_loop_t *loop);

// Stops reading; nothing is called any more.
void lines_stop(lines *input);

// Writes an object of json_pack's as a line, and lets go of it.
void lines_write(json_t *line);

// Writes {"type": "error"}.
void lines_write_error(const char *message);

#endif

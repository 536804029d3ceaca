#include "lines.h"

#include <stdlib.h>
#include <string.h>

// A longer line ends the input: whoever writes that does not speak this language.
enum { LONGEST_LINE = 1 << 16 };

// MARK: Out

void lines_write(json_t *line) {
    if (line == NULL) return;
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

void lines_write_error(const char *message) {
    lines_write(json_pack("{s:s, s:s}", "type", "error", "message", message));
}

// MARK: In

static void end(lines *input) {
    if (input->has_ended) return;
    lines_stop(input);
    input->on_end(input);
}

static void take(lines *input, const char *text, size_t length) {
    json_error_t fault;
    json_t *line = json_loadb(text, length, 0, &fault);
    if (json_is_object(line))
        input->on_line(input, line);
    else
        lines_write_error(line == NULL ? fault.text : "not an object");
    json_decref(line);
}

// Takes every whole line out of what has been read.
static void take_lines(lines *input) {
    size_t begin = 0;
    while (!input->has_ended) {
        char *newline = memchr(input->text + begin, '\n', input->length - begin);
        if (newline == NULL) break;
        size_t end_of_line = (size_t)(newline - input->text);
        if (end_of_line > begin) take(input, input->text + begin, end_of_line - begin);
        begin = end_of_line + 1;
    }
    if (input->has_ended) return;
    input->length -= begin;
    memmove(input->text, input->text + begin, input->length);
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    lines *input = handle->data;
    (void)suggested;
    // Lines are read into one memory, which is as large as the longest of them may be.
    *buffer = uv_buf_init(input->text + input->length, (unsigned)(input->capacity - input->length));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    lines *input = stream->data;
    (void)buffer;
    if (count < 0) return end(input);
    input->length += (size_t)count;
    take_lines(input);
    if (!input->has_ended && input->length == input->capacity) {
        lines_write_error("the line is too long");
        end(input);
    }
}

int lines_start(lines *input, uv_loop_t *loop) {
    int status;
    input->capacity = LONGEST_LINE;
    input->text = malloc(input->capacity);
    if (input->text == NULL) return UV_ENOMEM;
    switch (uv_guess_handle(0)) {
    case UV_TTY:
        status = uv_tty_init(loop, &input->handle.terminal, 0, 1);
        break;
    case UV_NAMED_PIPE:
        status = uv_pipe_init(loop, &input->handle.pipe, 0);
        if (status == 0) status = uv_pipe_open(&input->handle.pipe, 0);
        break;
    default:
        free(input->text);
        return UV_EINVAL;
    }
    input->handle.stream.data = input;
    if (status == 0) status = uv_read_start(&input->handle.stream, allocate, on_read);
    if (status != 0) lines_stop(input);
    return status;
}

static void on_closed(uv_handle_t *handle) {
    lines *input = handle->data;
    free(input->text);
    input->text = NULL;
}

void lines_stop(lines *input) {
    if (input->has_ended) return;
    input->has_ended = true;
    uv_close((uv_handle_t *)&input->handle.stream, on_closed);
}

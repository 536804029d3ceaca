// A bare libuv loop that sends datagrams one by one, and one that receives them: send|receive --size N --seconds S --window N --port N.

#include "packets.h"

#include <uv.h>

static uv_loop_t *loop;
static uv_udp_t socket_handle;
static uv_timer_t timer;
static uv_idle_t idle;
static struct sockaddr_in peer;
static char packet[65536], chunk[65536];
static size_t size;
static Flow flow;
static Count count;

static void check(int status, const char *what) {
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
    exit(1);
}

static int try_send(char *bytes, size_t length, const struct sockaddr *to) {
    uv_buf_t buffer = uv_buf_init(bytes, (unsigned)length);
    return uv_udp_try_send(&socket_handle, &buffer, 1, to);
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(chunk, sizeof chunk);
}

static void open_socket(uv_udp_recv_cb on_packet) {
    loop = uv_default_loop();
    struct sockaddr_in local;
    uv_ip4_addr("127.0.0.1", 0, &local);
    check(uv_udp_init(loop, &socket_handle), "init");
    check(uv_udp_bind(&socket_handle, (const struct sockaddr *)&local, 0), "bind");
    int bytes = BUFFER_BYTES;
    uv_recv_buffer_size((uv_handle_t *)&socket_handle, &bytes);
    check(uv_udp_recv_start(&socket_handle, allocate, on_packet), "receive");
}

// MARK: The sender

static void pump(void);

static void on_idle(uv_idle_t *handle) {
    uv_idle_stop(handle);
    pump();
}

static void pump(void) {
    for (uint64_t left = room(&flow); left > 0; left--) {
        set_number(packet, flow.sent);
        if (try_send(packet, size, (const struct sockaddr *)&peer) < 0) break;
        flow.sent++;
    }
    if (room(&flow) > 0) uv_idle_start(&idle, on_idle);
}

static void on_receipt(
    uv_udp_t *handle, ssize_t length, const uv_buf_t *buffer, const struct sockaddr *from, unsigned flags) {
    (void)handle, (void)flags;
    if (length <= 0 || from == NULL) return;
    hear(&flow, buffer->base, (size_t)length);
    pump();
}

static void on_tick(uv_timer_t *handle) {
    (void)handle;
    tick(&flow);
    pump();
}

static void run_sender(double seconds) {
    open_socket(on_receipt);
    memset(packet, DATA, size);
    uv_idle_init(loop, &idle);
    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, on_tick, (uint64_t)(SILENCE * 1000), (uint64_t)(SILENCE * 1000));
    double began = now(), before = cpu();
    pump();
    while (now() - began < seconds) uv_run(loop, UV_RUN_ONCE);
    tell_sent(&flow, now() - began, cpu() - before);
    memset(packet, END, HEADER);
    for (int i = 0; i < ENDS; i++) {
        try_send(packet, HEADER, (const struct sockaddr *)&peer);
        uv_sleep(10);
    }
}

// MARK: The receiver

static void on_data(
    uv_udp_t *handle, ssize_t length, const uv_buf_t *buffer, const struct sockaddr *from, unsigned flags) {
    (void)handle, (void)flags;
    if (length <= 0 || from == NULL) return;
    take(&count, buffer->base, (size_t)length);
    if (!is_receipt_due(&count)) return;
    set_number(packet, count.next);
    try_send(packet, HEADER, from);
}

static void run_receiver(void) {
    open_socket(on_data);
    struct sockaddr_in local;
    int length = sizeof local;
    check(uv_udp_getsockname(&socket_handle, (struct sockaddr *)&local, &length), "name");
    tell_port(ntohs(local.sin_port));
    memset(packet, RECEIPT, HEADER);
    while (!count.is_over) uv_run(loop, UV_RUN_ONCE);
    tell_received(&count);
}

int main(int argc, char *argv[]) {
    size = (size_t)atoi(option(argc, argv, "--size", "1200"));
    flow.window = (uint64_t)atoi(option(argc, argv, "--window", "0"));
    count = make_count(flow.window);
    uv_ip4_addr("127.0.0.1", atoi(option(argc, argv, "--port", "9")), &peer);
    if (argc > 1 && strcmp(argv[1], "send") == 0) run_sender(atof(option(argc, argv, "--seconds", "1")));
    else run_receiver();
    return 0;
}

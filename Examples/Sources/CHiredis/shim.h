#pragma once
#if !__has_include(<hiredis/async.h>)
#error "hiredis is not installed: apt-get install libhiredis-dev, or brew install hiredis"
#endif
#include <hiredis/async.h>
#include <uv.h>

// What libuv says of a socket in error never gets through the adapter of hiredis 0.14: a refused connection would be waited for without
// end. Here the socket counts as ready then, as it does from hiredis 1.0 on, and hiredis finds the error on it.
static void redisPollEvenInError(uv_poll_t *handle, int status, int events);
#define uv_poll_start(handle, events, callback) uv_poll_start(handle, events, redisPollEvenInError)
#include <hiredis/adapters/libuv.h>
#undef uv_poll_start

static void redisPollEvenInError(uv_poll_t *handle, int status, int events) {
    redisLibuvEvents *watch = (redisLibuvEvents *)handle->data;
    redisLibuvPoll(handle, 0, status == 0 ? events : watch->events);
}

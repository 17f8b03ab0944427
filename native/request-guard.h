/* What thread-guard.c exports to JavaScript of request-guard.c. */
#ifndef REQUEST_GUARD_H
#define REQUEST_GUARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct uv_loop_s uv_loop_t;

/* For the loop of this thread, before it has connections. At its end `detach` closes what `attach` made,
 * and when the loop has run once more `freed` gives it back. */
void request_guard_attach(uv_loop_t *loop);
void request_guard_detach(void);
void request_guard_freed(void);
/* This thread is about to end: it gets no further request. */
void request_guard_cut(void);
/* Puts the guard between uWebSockets.js, which must be loaded, and the system; once per process. */
bool request_guard_install(size_t head_bytes_max);
/* The connection whose request is being dispatched on this thread gets no other until `release`. */
int32_t request_guard_hold(void);
void request_guard_release(int32_t token);
/* What the connection sends from now on is not read: uWebSockets.js sees its end, and closes it. */
void request_guard_end(int32_t token);
/* Connections of this thread that have not taken all that was written to them. */
int32_t request_guard_backlog(void);
#endif

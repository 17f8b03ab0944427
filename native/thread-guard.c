/*
 * What a thread of Node needs from the system and JavaScript cannot do:
 *
 *   watch, remember   contain the death of a worker: see below
 *   nameThread        the name that ps and top show
 *   pinThread         the processor that the thread runs on
 *   boundReceiving    how much a client may send ahead of being read: see below
 *   guardRequests and what follows it: see request-guard.c
 *
 * Death of a worker. Node ends a worker's event loop with an assertion that nothing is left on it.
 * uWebSockets.js puts handles there that Node does not know: five of its own and one poll per
 * socket. They are gone after an orderly close; when a worker is terminated, runs out of heap or
 * throws, they are not, and the assertion ends the whole process. So a worker calls `watch` before
 * it loads uWebSockets.js and `remember` after its first app; a clean-up hook of the environment
 * then closes every poll with its socket and the remembered handles, and runs the loop once so
 * that they are really closed. Handles of Node's own are left to Node, which closes them itself.
 *
 * Receiving. uWebSockets.js reads a socket again as long as each read fills its buffer of 512 KiB,
 * also when the body was paused in between, so a fast client can hand over any amount. Sockets
 * inherit the receive buffer of the one that listens: one below 512 KiB ends that loop.
 *
 * State is per environment (napi_set_instance_data), since several threads load this file.
 * The few functions of Node-API and libuv that it calls are declared here: both are stable, and so
 * no header has to be found on the machine that builds it.
 */
#define _GNU_SOURCE
#include "request-guard.h"
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
typedef void (*napi_finalize)(napi_env, void *, void *);
typedef int napi_status;
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;

extern napi_status napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern napi_status napi_set_named_property(napi_env, napi_value, const char *, napi_value);
extern napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern napi_status napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern napi_status napi_get_value_int32(napi_env, napi_value, int32_t *);
extern napi_status napi_create_int32(napi_env, int32_t, napi_value *);
extern napi_status napi_get_boolean(napi_env, bool, napi_value *);
extern napi_status napi_set_instance_data(napi_env, void *, napi_finalize, void *);
extern napi_status napi_get_instance_data(napi_env, void **);
extern napi_status napi_add_env_cleanup_hook(napi_env, void (*)(void *), void *);
extern napi_status napi_get_uv_event_loop(napi_env, uv_loop_t **);

extern void uv_walk(uv_loop_t *, void (*)(uv_handle_t *, void *), void *);
extern int uv_handle_get_type(const uv_handle_t *);
extern const char *uv_handle_type_name(int);
extern int uv_is_closing(const uv_handle_t *);
extern void uv_close(uv_handle_t *, void (*)(uv_handle_t *));
extern int uv_fileno(const uv_handle_t *, int *);
extern int uv_run(uv_loop_t *, int);

enum { handles_max = 256, uv_run_nowait = 2, thread_name_max = 16 };

struct handle_list {
  uv_handle_t *at[handles_max];
  size_t count;
};

struct guard {
  uv_loop_t *loop;
  struct handle_list before; /* there when `watch` was called: Node's */
  struct handle_list ours;   /* appeared between `watch` and `remember`, not polls */
  bool watching;
};

static bool contains(const struct handle_list *list, const uv_handle_t *handle) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->at[i] == handle) return true;
  }
  return false;
}

static void append(struct handle_list *list, uv_handle_t *handle) {
  if (list->count < handles_max) list->at[list->count++] = handle;
}

static bool is_poll(const uv_handle_t *handle) {
  const char *name = uv_handle_type_name(uv_handle_get_type(handle));
  return name != NULL && strcmp(name, "poll") == 0;
}

static void note_before(uv_handle_t *handle, void *guard) {
  append(&((struct guard *)guard)->before, handle);
}

static void note_ours(uv_handle_t *handle, void *pointer) {
  struct guard *guard = pointer;
  if (!is_poll(handle) && !contains(&guard->before, handle)) append(&guard->ours, handle);
}

static void close_ours(uv_handle_t *handle, void *pointer) {
  struct guard *guard = pointer;
  if (uv_is_closing(handle)) return;
  if (is_poll(handle)) {
    int descriptor = -1;
    bool open = uv_fileno(handle, &descriptor) == 0;
    uv_close(handle, NULL);
    if (open) close(descriptor);
  } else if (contains(&guard->ours, handle)) {
    uv_close(handle, NULL);
  }
}

static void on_environment_end(void *pointer) {
  struct guard *guard = pointer;
  if (guard->ours.count > 0) {
    uv_walk(guard->loop, close_ours, guard);
    uv_run(guard->loop, uv_run_nowait);
  }
  free(guard);
}

static struct guard *guard_of(napi_env env) {
  void *guard = NULL;
  napi_get_instance_data(env, &guard);
  return guard;
}

static napi_value boolean(napi_env env, bool value) {
  napi_value result = NULL;
  napi_get_boolean(env, value, &result);
  return result;
}

static napi_value watch(napi_env env, napi_callback_info info) {
  (void)info;
  struct guard *guard = guard_of(env);
  if (guard == NULL || guard->watching) return boolean(env, false);
  guard->watching = true;
  uv_walk(guard->loop, note_before, guard);
  return boolean(env, true);
}

/* How many handles were found: 0 means that there is nothing to contain. */
static napi_value remember(napi_env env, napi_callback_info info) {
  (void)info;
  struct guard *guard = guard_of(env);
  napi_value result = NULL;
  if (guard != NULL && guard->watching) uv_walk(guard->loop, note_ours, guard);
  napi_create_int32(env, guard == NULL ? 0 : (int32_t)guard->ours.count, &result);
  return result;
}

static napi_value name_thread(napi_env env, napi_callback_info info) {
  char name[thread_name_max] = "";
  size_t count = 1, length = 0;
  napi_value argument = NULL;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (count < 1 || napi_get_value_string_utf8(env, argument, name, sizeof name, &length) != 0) {
    return boolean(env, false);
  }
  return boolean(env, pthread_setname_np(pthread_self(), name) == 0);
}

static napi_value pin_thread(napi_env env, napi_callback_info info) {
  int32_t processor = -1;
  size_t count = 1;
  napi_value argument = NULL;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (count < 1 || napi_get_value_int32(env, argument, &processor) != 0) return boolean(env, false);
  if (processor < 0 || processor >= CPU_SETSIZE) return boolean(env, false);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  return boolean(env, sched_setaffinity(0, sizeof set, &set) == 0);
}

struct bound {
  int bytes;
  int32_t count;
};

static void bound_listener(uv_handle_t *handle, void *pointer) {
  struct bound *bound = pointer;
  int descriptor = -1, listens = 0;
  socklen_t size = sizeof listens;
  if (!is_poll(handle) || uv_fileno(handle, &descriptor) != 0) return;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens) return;
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bound->bytes, sizeof bound->bytes) == 0) bound->count++;
}

/* For the sockets that listen on this thread's loop; how many there were. */
static napi_value bound_receiving(napi_env env, napi_callback_info info) {
  struct bound bound = {0, 0};
  struct guard *guard = guard_of(env);
  size_t count = 1;
  napi_value argument = NULL, result = NULL;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (guard != NULL && count == 1 && napi_get_value_int32(env, argument, &bound.bytes) == 0) {
    uv_walk(guard->loop, bound_listener, &bound);
  }
  napi_create_int32(env, bound.count, &result);
  return result;
}

static int32_t int32_argument(napi_env env, napi_callback_info info) {
  int32_t value = -1;
  size_t count = 1;
  napi_value argument = NULL;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (count == 1) napi_get_value_int32(env, argument, &value);
  return value;
}

static napi_value int32_result(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

static napi_value guard_requests(napi_env env, napi_callback_info info) {
  int32_t head_bytes_max = int32_argument(env, info);
  return boolean(env, head_bytes_max > 0 && request_guard_install((size_t)head_bytes_max));
}

static napi_value hold_requests(napi_env env, napi_callback_info info) {
  (void)info;
  return int32_result(env, request_guard_hold());
}

static napi_value release_requests(napi_env env, napi_callback_info info) {
  request_guard_release(int32_argument(env, info));
  return NULL;
}

static napi_value end_requests(napi_env env, napi_callback_info info) {
  request_guard_end(int32_argument(env, info));
  return NULL;
}

static napi_value backlog_count(napi_env env, napi_callback_info info) {
  (void)info;
  return int32_result(env, request_guard_backlog());
}

static void export(napi_env env, napi_value exports, const char *name, napi_callback call) {
  napi_value function = NULL;
  napi_create_function(env, name, strlen(name), call, NULL, &function);
  napi_set_named_property(env, exports, name, function);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  struct guard *guard = calloc(1, sizeof *guard);
  if (guard != NULL && napi_get_uv_event_loop(env, &guard->loop) == 0) {
    napi_set_instance_data(env, guard, NULL, NULL);
    napi_add_env_cleanup_hook(env, on_environment_end, guard);
  } else {
    free(guard);
  }
  export(env, exports, "watch", watch);
  export(env, exports, "remember", remember);
  export(env, exports, "nameThread", name_thread);
  export(env, exports, "pinThread", pin_thread);
  export(env, exports, "boundReceiving", bound_receiving);
  export(env, exports, "guardRequests", guard_requests);
  export(env, exports, "holdRequests", hold_requests);
  export(env, exports, "releaseRequests", release_requests);
  export(env, exports, "endRequests", end_requests);
  export(env, exports, "backlogCount", backlog_count);
  return exports;
}

int32_t node_api_module_get_api_version_v1(void) { return 8; }

/*
 * What a thread of Node needs from the system and JavaScript cannot do:
 *
 *   watch, remember   contain the death of a worker: see below
 *   onEnding, letEnd  tell main of it before it is too late
 *   cut, isCut        take a worker's connections away before it is terminated
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
 * Dealing. Main's app hands connections to a worker's app until it is told not to. One that is gone
 * must not get another: the process would end with a segmentation fault, and just then all clients
 * of the dead worker come back. So a hook that runs before uWebSockets.js frees the app tells main
 * (`onEnding`) and waits until main deals no more (`letEnd`); what was dealt before is taken in, to
 * be closed.
 *
 * Cutting. When a worker is terminated, JavaScript is over at once but its loop goes round a few
 * times more; a request that it reads then gets no answer and no abort handler, for which
 * uWebSockets.js ends the process. So its sockets are replaced by one that never has anything to
 * read before that: when main is about to terminate it (`cut`: V8 interrupts what runs), when its
 * heap reaches the limit, and when it ends itself. Those that it had been dealt meanwhile are
 * replaced before the loop looks at them.
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
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
typedef void (*napi_finalize)(napi_env, void *, void *);
typedef struct napi_threadsafe_function__ *napi_threadsafe_function;
typedef void (*napi_call_js)(napi_env, napi_value, void *, void *);
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
extern napi_status napi_create_string_utf8(napi_env, const char *, size_t, napi_value *);
extern napi_status napi_get_undefined(napi_env, napi_value *);
extern napi_status napi_call_function(napi_env, napi_value, napi_value, size_t, const napi_value *, napi_value *);
extern napi_status napi_create_threadsafe_function(napi_env, napi_value, napi_value, napi_value, size_t, size_t, void *,
                                                   napi_finalize, void *, napi_call_js, napi_threadsafe_function *);
extern napi_status napi_call_threadsafe_function(napi_threadsafe_function, void *, int);
extern napi_status napi_unref_threadsafe_function(napi_env, napi_threadsafe_function);

extern void uv_walk(uv_loop_t *, void (*)(uv_handle_t *, void *), void *);
extern int uv_handle_get_type(const uv_handle_t *);
extern const char *uv_handle_type_name(int);
extern int uv_is_closing(const uv_handle_t *);
extern void uv_close(uv_handle_t *, void (*)(uv_handle_t *));
extern int uv_fileno(const uv_handle_t *, int *);
extern int uv_run(uv_loop_t *, int);
extern size_t uv_handle_size(int);
extern void uv_handle_set_data(uv_handle_t *, void *);
extern void *uv_handle_get_data(const uv_handle_t *);
extern int uv_prepare_init(uv_loop_t *, uv_handle_t *);
extern int uv_prepare_start(uv_handle_t *, void (*)(uv_handle_t *));
extern void uv_unref(uv_handle_t *);

/* Of V8, under their names in the binary of Node; weak, so that a Node without one still loads this. */
typedef void (*interrupt_callback)(void *, void *);
typedef size_t (*heap_limit_callback)(void *, size_t, size_t);
extern void *isolate_current(void) __asm__("_ZN2v87Isolate10GetCurrentEv") __attribute__((weak));
extern void isolate_interrupt(void *, interrupt_callback, void *)
    __asm__("_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_") __attribute__((weak));
extern void isolate_add_heap_limit(void *, heap_limit_callback, void *)
    __asm__("_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_") __attribute__((weak));
extern void isolate_remove_heap_limit(void *, heap_limit_callback, size_t)
    __asm__("_ZN2v87Isolate27RemoveNearHeapLimitCallbackEPFmPvmmEm") __attribute__((weak));

enum { handles_max = 256, uv_run_nowait = 2, thread_name_max = 16, seats_max = 128 };
/* Main answers within a turn of its loop; when it ends the process itself it does not answer. */
enum { let_end_seconds_max = 1 };
/* What the heap may still take after its sockets are cut, until Node's own callback ends it. */
enum { heap_margin_bytes = 16 * 1024 * 1024 };

struct handle_list {
  uv_handle_t *at[handles_max];
  size_t count;
};

struct guard {
  uv_loop_t *loop;
  struct handle_list before; /* there when `watch` was called: Node's */
  struct handle_list ours;   /* appeared between `watch` and `remember`, not polls */
  bool watching;
  int32_t worker; /* its index; -1 for threads that are no workers */
  uv_handle_t *cutter; /* called before each look at the sockets, once they are cut */
  void *isolate;
  bool cut;     /* under `lock` */
  bool let_end; /* under `lock` */
  bool hears;   /* main: `ending` is of this environment */
};

/* What threads of the process share: who the workers are, and how main hears of their end. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t let_end_changed = PTHREAD_COND_INITIALIZER;
static struct guard *workers[seats_max];
static napi_threadsafe_function ending = NULL;

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

static void close_poll(uv_handle_t *handle, void *unused) {
  (void)unused;
  int descriptor = -1;
  if (uv_is_closing(handle) || !is_poll(handle)) return;
  bool open = uv_fileno(handle, &descriptor) == 0;
  uv_close(handle, NULL);
  if (open) close(descriptor);
}

static void close_ours(uv_handle_t *handle, void *pointer) {
  struct guard *guard = pointer;
  if (!uv_is_closing(handle) && contains(&guard->ours, handle)) uv_close(handle, NULL);
}

/* Under `lock`. */
static bool tell_main(const struct guard *guard) {
  if (ending == NULL || guard->worker < 0) return false;
  return napi_call_threadsafe_function(ending, (void *)(intptr_t)guard->worker, 0) == 0;
}

static void wait_until_nothing_is_dealt(struct guard *guard) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += let_end_seconds_max;
  pthread_mutex_lock(&lock);
  if (tell_main(guard)) {
    while (!guard->let_end && pthread_cond_timedwait(&let_end_changed, &lock, &until) == 0) continue;
  }
  pthread_mutex_unlock(&lock);
}

static void forget(struct guard *guard) {
  pthread_mutex_lock(&lock);
  if (guard->hears) ending = NULL;
  if (guard->worker >= 0 && workers[guard->worker] == guard) workers[guard->worker] = NULL;
  pthread_mutex_unlock(&lock);
}

static void cut_socket(uv_handle_t *handle, void *dead_end) {
  int descriptor = -1;
  if (uv_is_closing(handle) || !is_poll(handle) || uv_fileno(handle, &descriptor) != 0) return;
  dup3(*(int *)dead_end, descriptor, O_CLOEXEC);
}

static void cut_all(uv_handle_t *cutter) {
  struct guard *guard = uv_handle_get_data(cutter);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return;
  close(pair[1]); /* so that the other end reads as closed */
  uv_walk(guard->loop, cut_socket, &pair[0]);
  close(pair[0]);
}

/* On the worker's own thread. */
static void cut_sockets(struct guard *guard) {
  request_guard_cut();
  if (guard->cutter == NULL) return;
  cut_all(guard->cutter);
  uv_prepare_start(guard->cutter, cut_all);
}

/* Added last, so called first: the app is there still. */
static void before_app_is_freed(void *pointer) {
  struct guard *guard = pointer;
  wait_until_nothing_is_dealt(guard);
  cut_sockets(guard);
  uv_run(guard->loop, uv_run_nowait);
}

static void on_environment_end(void *pointer) {
  struct guard *guard = pointer;
  if (guard->watching) {
    uv_walk(guard->loop, close_poll, NULL);
    uv_walk(guard->loop, close_ours, guard);
    if (guard->cutter != NULL) uv_close(guard->cutter, NULL);
    request_guard_detach();
    uv_run(guard->loop, uv_run_nowait);
    request_guard_freed();
    free(guard->cutter);
  }
  forget(guard);
  free(guard);
}

static void on_interrupt(void *isolate, void *pointer) {
  (void)isolate;
  struct guard *guard = pointer;
  cut_sockets(guard);
  pthread_mutex_lock(&lock);
  guard->cut = true;
  pthread_mutex_unlock(&lock);
}

static size_t on_heap_limit(void *pointer, size_t current, size_t initial) {
  (void)initial;
  struct guard *guard = pointer;
  pthread_mutex_lock(&lock);
  tell_main(guard);
  pthread_mutex_unlock(&lock);
  cut_sockets(guard);
  isolate_remove_heap_limit(guard->isolate, on_heap_limit, 0);
  return current + heap_margin_bytes;
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

static int prepare_type(void) {
  for (int type = 1; uv_handle_size(type) != (size_t)-1; type++) {
    const char *name = uv_handle_type_name(type);
    if (name != NULL && strcmp(name, "prepare") == 0) return type;
  }
  return 0;
}

static uv_handle_t *make_cutter(struct guard *guard) {
  int type = prepare_type();
  uv_handle_t *cutter = type == 0 ? NULL : calloc(1, uv_handle_size(type));
  if (cutter == NULL) return NULL;
  uv_prepare_init(guard->loop, cutter);
  uv_handle_set_data(cutter, guard);
  uv_unref(cutter);
  return cutter;
}

/* The one argument of a call, or -1. */
static int32_t index_of(napi_env env, napi_callback_info info) {
  int32_t index = -1;
  size_t count = 1;
  napi_value argument = NULL;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (count < 1 || napi_get_value_int32(env, argument, &index) != 0) return -1;
  return index >= 0 && index < seats_max ? index : -1;
}

/* Of the worker with the index that is given. */
static napi_value watch(napi_env env, napi_callback_info info) {
  struct guard *guard = guard_of(env);
  if (guard == NULL || guard->watching) return boolean(env, false);
  guard->watching = true;
  guard->worker = index_of(env, info);
  guard->isolate = isolate_current == NULL ? NULL : isolate_current();
  guard->cutter = make_cutter(guard);
  request_guard_attach(guard->loop);
  uv_walk(guard->loop, note_before, guard);
  pthread_mutex_lock(&lock);
  if (guard->worker >= 0) workers[guard->worker] = guard;
  pthread_mutex_unlock(&lock);
  if (guard->isolate != NULL && isolate_add_heap_limit != NULL && isolate_remove_heap_limit != NULL) {
    isolate_add_heap_limit(guard->isolate, on_heap_limit, guard);
  }
  return boolean(env, true);
}

static void call_ending(napi_env env, napi_value callback, void *context, void *worker) {
  (void)context;
  napi_value index = NULL, receiver = NULL;
  if (env == NULL) return;
  napi_create_int32(env, (int32_t)(intptr_t)worker, &index);
  napi_get_undefined(env, &receiver);
  napi_call_function(env, receiver, callback, 1, &index, NULL);
}

/* The function is called on this thread with the index of each worker that ends and waits. */
static napi_value on_ending(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value callback = NULL, name = NULL;
  napi_threadsafe_function made = NULL;
  struct guard *guard = guard_of(env);
  napi_get_cb_info(env, info, &count, &callback, NULL, NULL);
  napi_create_string_utf8(env, "ending", 6, &name);
  if (guard == NULL || count < 1 ||
      napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, NULL, call_ending, &made) != 0) {
    return boolean(env, false);
  }
  napi_unref_threadsafe_function(env, made);
  pthread_mutex_lock(&lock);
  ending = made;
  guard->hears = true;
  pthread_mutex_unlock(&lock);
  return boolean(env, true);
}

static napi_value let_end(napi_env env, napi_callback_info info) {
  int32_t index = index_of(env, info);
  pthread_mutex_lock(&lock);
  bool known = index >= 0 && workers[index] != NULL;
  if (known) workers[index]->let_end = true;
  pthread_cond_broadcast(&let_end_changed);
  pthread_mutex_unlock(&lock);
  return boolean(env, known);
}

/* Asks a worker's thread to cut its sockets as soon as it runs JavaScript. */
static napi_value cut(napi_env env, napi_callback_info info) {
  int32_t index = index_of(env, info);
  pthread_mutex_lock(&lock);
  struct guard *guard = index < 0 ? NULL : workers[index];
  bool asked = guard != NULL && guard->isolate != NULL && isolate_interrupt != NULL;
  if (asked) isolate_interrupt(guard->isolate, on_interrupt, guard);
  pthread_mutex_unlock(&lock);
  return boolean(env, asked);
}

static napi_value is_cut(napi_env env, napi_callback_info info) {
  int32_t index = index_of(env, info);
  pthread_mutex_lock(&lock);
  bool done = index < 0 || workers[index] == NULL || workers[index]->cut;
  pthread_mutex_unlock(&lock);
  return boolean(env, done);
}

/* Those of this thread, at once. */
static napi_value cut_own(napi_env env, napi_callback_info info) {
  (void)info;
  struct guard *guard = guard_of(env);
  bool watched = guard != NULL && guard->watching;
  if (watched) cut_sockets(guard);
  return boolean(env, watched);
}

/* How many handles were found: 0 means that there is nothing to contain. */
static napi_value remember(napi_env env, napi_callback_info info) {
  (void)info;
  struct guard *guard = guard_of(env);
  napi_value result = NULL;
  if (guard != NULL && guard->watching && guard->ours.count == 0) {
    uv_walk(guard->loop, note_ours, guard);
    napi_add_env_cleanup_hook(env, before_app_is_freed, guard);
  }
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
  if (guard != NULL) guard->worker = -1;
  if (guard != NULL && napi_get_uv_event_loop(env, &guard->loop) == 0) {
    napi_set_instance_data(env, guard, NULL, NULL);
    napi_add_env_cleanup_hook(env, on_environment_end, guard);
  } else {
    free(guard);
  }
  export(env, exports, "watch", watch);
  export(env, exports, "remember", remember);
  export(env, exports, "onEnding", on_ending);
  export(env, exports, "letEnd", let_end);
  export(env, exports, "cut", cut);
  export(env, exports, "isCut", is_cut);
  export(env, exports, "cutOwn", cut_own);
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

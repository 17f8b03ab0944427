/*
 * Reads requests before uWebSockets.js does, which is lenient where two parsers could differ:
 * it ends its list of fields at an empty name, drops bytes over 0x7f at the ends of values, takes
 * any bytes for the line ends of chunks, hangs on chunk extensions and after an empty line, parses
 * on behind a request that was refused, and closes a connection whose next request comes early.
 *
 * So its calls of accept4, recv, send, close and uv_poll_start are led through here, by the entries of
 * its own global offset table. A connection's bytes are framed strictly (RFC 9112) and handed over as
 * at most one request at a time. What was read of the next one is kept here; an idle handle of the
 * loop then calls what libuv calls when the socket is readable, which reads again and gets it. A head
 * is handed over whole. A line that is wrong is replaced by `!: n` (a
 * bad name) or `!: v` (a bad value), which the door of the gateway refuses with a problem document;
 * a chunk that is wrong by a size that uWebSockets.js refuses. Behind either nothing is read.
 *
 * Entries are indexed by descriptor: set when a connection is accepted, cleared before it is
 * closed, and in between touched by the one thread that has the connection.
 */
#define _GNU_SOURCE
#include "request-guard.h"
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct uv_handle_s uv_handle_t;
typedef void (*poll_callback)(uv_handle_t *, int, int);
extern size_t uv_handle_size(int);
extern const char *uv_handle_type_name(int);
extern int uv_fileno(const uv_handle_t *, int *);
extern int uv_is_closing(const uv_handle_t *);
extern void uv_close(uv_handle_t *, void (*)(uv_handle_t *));
extern int uv_idle_init(uv_loop_t *, uv_handle_t *);
extern int uv_idle_start(uv_handle_t *, void (*)(uv_handle_t *));
extern int uv_idle_stop(uv_handle_t *);
extern int uv_poll_start(uv_handle_t *, int, poll_callback);

enum { uv_readable = 1 };

/* The usual limit of descriptors at most; an accepted one past it is closed. */
enum { descriptors_max = 1 << 20, serial_max = 1 << 11 };
/* Hex digits of a chunk's size, digits of a length (the door's limit), bytes of extensions. */
enum { hex_digits_max = 15, length_digits_max = 15, extension_max = 1024 };
/* Of a head: what is kept and what is read must fit what uWebSockets.js has room for. */
enum { head_bytes_limit = 256 * 1024 };
/* A held connection is looked at so often before it is given up: it sends without end. */
enum { held_looks_max = 1000 };

enum state {
  unguarded, /* not accepted through here */
  in_head,
  in_sized,
  in_chunk_size,
  in_chunk_extension,
  in_chunk_size_end,
  in_chunk,
  in_chunk_end_cr,
  in_chunk_end_lf,
  in_last_cr,
  in_last_lf,
  refused, /* nothing of what comes is handed over */
  ended
};

struct connection {
  uint8_t state;
  bool held;       /* its request is not answered yet */
  bool waits;      /* held, and more has come: the kernel was told to be quiet about it */
  bool backlogged; /* uWebSockets.js could not write all */
  bool pending;    /* what is kept begins a request that nobody asked for yet */
  bool listed;     /* among those that the idle handle calls */
  uint16_t serial; /* tells it from the next one with its descriptor */
  uint16_t looks;
  uint32_t count; /* digits of a size, bytes of extensions */
  uint64_t left;  /* bytes of a body or a chunk */
  char *kept;     /* read and not handed over: a part of a head, or the next requests */
  uint32_t kept_length;
  int32_t next;   /* in the list */
  uv_handle_t *poll;
};

static struct connection connections[descriptors_max];
static size_t head_max;
/* Read at once where the next request may begin: what is kept of it is copied with each request. */
static size_t read_max = 64 * 1024;
static __thread int current = -1;
static __thread int32_t backlog;
static __thread uv_handle_t *idle;
static __thread int32_t listed_first = -1, listed_last = -1, listed_count;
static __thread bool cut;
static poll_callback on_poll;

static struct connection *of(int descriptor) {
  return descriptor >= 0 && descriptor < descriptors_max ? &connections[descriptor] : NULL;
}

static ssize_t again(void) {
  errno = EAGAIN;
  return -1;
}

static void drop_kept(struct connection *one) {
  free(one->kept);
  one->kept = NULL;
  one->kept_length = 0;
  one->pending = false;
}

static bool keep(struct connection *one, const char *bytes, size_t length) {
  char *kept = realloc(one->kept, length);
  if (kept == NULL) return false;
  memcpy(kept, bytes, length);
  one->kept = kept;
  one->kept_length = (uint32_t)length;
  return true;
}

static void unlist(int descriptor, struct connection *one) {
  if (!one->listed) return;
  int32_t before = -1, at = listed_first;
  while (at >= 0 && at != descriptor) {
    before = at;
    at = connections[at].next;
  }
  one->listed = false;
  if (at < 0) return;
  if (before < 0) listed_first = one->next;
  else connections[before].next = one->next;
  if (listed_last == descriptor) listed_last = before;
  listed_count--;
}

/* Calls for each that is listed now; those that have more go to the end of the list again. */
static void on_idle(uv_handle_t *handle) {
  for (int32_t left = listed_count; left > 0 && listed_first >= 0; left--) {
    int32_t descriptor = listed_first;
    struct connection *one = &connections[descriptor];
    unlist(descriptor, one);
    if (one->pending && !one->held && one->poll != NULL && !uv_is_closing(one->poll)) {
      on_poll(one->poll, 0, uv_readable);
    }
  }
  if (listed_first < 0) uv_idle_stop(handle);
}

static void call_for(int descriptor, struct connection *one) {
  if (one->listed || cut || idle == NULL) return;
  one->listed = true;
  one->next = -1;
  if (listed_first < 0) {
    listed_first = descriptor;
    uv_idle_start(idle, on_idle);
  } else {
    connections[listed_last].next = descriptor;
  }
  listed_last = descriptor;
  listed_count++;
}

/* What came behind a request: the next one's. */
static void keep_next(int descriptor, struct connection *one, const char *bytes, size_t length) {
  if (length == 0) {
    drop_kept(one);
  } else if (keep(one, bytes, length)) {
    one->pending = true;
    call_for(descriptor, one);
  } else {
    drop_kept(one);
    one->state = refused;
  }
}

/* Bytes of a token (RFC 9110, section 5.6.2): one bit each, of 0 to 127. */
static const uint64_t token_bits[2] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe};

static bool is_token(unsigned char byte) { return byte < 0x80 && (token_bits[byte >> 6] >> (byte & 63) & 1) != 0; }

static bool is_blank(unsigned char byte) { return byte == ' ' || byte == '\t'; }

struct framing {
  unsigned lengths, codings;
  bool unclear; /* the door or the parser will refuse it */
  uint64_t length;
};

static void read_length(struct framing *framing, const char *value, size_t length) {
  framing->lengths++;
  framing->length = 0;
  if (length == 0 || length > length_digits_max) framing->unclear = true;
  for (size_t i = 0; i < length; i++) {
    if (value[i] < '0' || value[i] > '9') framing->unclear = true;
    else framing->length = framing->length * 10 + (uint64_t)(value[i] - '0');
  }
}

/* 0: a header line in order; else the letter of what is wrong with it. `line` has no line end. */
static char check_line(const char *line, size_t length, struct framing *framing) {
  size_t name = 0;
  while (name < length && is_token((unsigned char)line[name])) name++;
  if (name == 0 || name == length || line[name] != ':') return 'n';
  if (name == 1 && line[0] == '!') return 'n';
  size_t from = name + 1, to = length;
  while (from < to && is_blank((unsigned char)line[from])) from++;
  while (to > from && is_blank((unsigned char)line[to - 1])) to--;
  for (size_t i = from; i < to; i++) {
    unsigned char byte = (unsigned char)line[i];
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return 'v';
  }
  if (from < to && (((unsigned char)line[from] | (unsigned char)line[to - 1]) & 0x80) != 0) return 'v';
  if (name == 14 && strncasecmp(line, "content-length", 14) == 0) {
    read_length(framing, line + from, to - from);
  } else if (name == 17 && strncasecmp(line, "transfer-encoding", 17) == 0) {
    framing->codings++;
    if (to - from != 7 || strncasecmp(line + from, "chunked", 7) != 0) framing->unclear = true;
  }
  return 0;
}

/* The length of a head, which may have changed: a line that is wrong was replaced, and is the last. */
static size_t check_head(char *head, size_t length, struct framing *framing) {
  char *end = head + length - 2;
  char *line = memchr(head, '\n', length);
  char wrong = line == head || line[-1] != '\r' || memchr(head, '\r', (size_t)(line - head - 1)) != NULL ? 'v' : 0;
  line++;
  while (wrong == 0 && line < end) {
    char *next = memchr(line, '\n', (size_t)(end - line));
    if (next == line || next[-1] != '\r') wrong = 'v';
    else wrong = check_line(line, (size_t)(next - 1 - line), framing);
    if (wrong == 0) line = next + 1;
  }
  if (wrong == 0) return length;
  framing->unclear = true;
  memcpy(line, "!: ", 3);
  line[3] = wrong;
  memcpy(line + 4, "\r\n\r\n", 4);
  return (size_t)(line + 8 - head);
}

struct piece {
  char *bytes;
  size_t in, out, length; /* read, written, there to read */
};

static void emit(struct piece *piece, const char *text, size_t length) {
  memcpy(piece->bytes + piece->out, text, length);
  piece->out += length;
}

/* A size past what anybody can count, which uWebSockets.js refuses with 400. */
static void refuse_chunk(struct connection *one, struct piece *piece) {
  static const char poison[] = "ffffffffffffffffffffffff\r\n";
  if (one->state == in_chunk_end_cr || one->state == in_chunk_end_lf) emit(piece, "\r\n", 2);
  emit(piece, poison, sizeof poison - 1);
  one->state = refused;
  piece->in = piece->length;
}

static int hex_value(unsigned char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  byte |= 0x20;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* One byte of the lines between chunks. What is handed over lags behind what is read, so it fits. */
static void frame_byte(struct connection *one, struct piece *piece) {
  char byte = piece->bytes[piece->in++];
  int digit;
  switch (one->state) {
    case in_chunk_size:
      digit = hex_value((unsigned char)byte);
      if (digit >= 0 && one->count < hex_digits_max) {
        one->left = one->left * 16 + (uint64_t)digit;
        one->count++;
        emit(piece, &byte, 1);
      } else if (one->count > 0 && digit < 0 && byte == '\r') {
        one->state = in_chunk_size_end;
      } else if (one->count > 0 && digit < 0 && byte == ';') {
        one->state = in_chunk_extension;
        one->count = 0;
      } else {
        refuse_chunk(one, piece);
      }
      return;
    case in_chunk_extension:
      one->count++;
      if (byte == '\r') one->state = in_chunk_size_end;
      else if (one->count > extension_max || byte == 0x7f || (byte >= 0 && byte < 0x20 && byte != '\t')) {
        refuse_chunk(one, piece);
      }
      return;
    case in_chunk_size_end:
      if (byte != '\n') {
        refuse_chunk(one, piece);
        return;
      }
      emit(piece, "\r\n", 2);
      one->state = one->left == 0 ? in_last_cr : in_chunk;
      return;
    case in_chunk_end_cr:
      if (byte == '\r') one->state = in_chunk_end_lf;
      else refuse_chunk(one, piece);
      return;
    case in_chunk_end_lf:
      if (byte != '\n') {
        refuse_chunk(one, piece);
        return;
      }
      emit(piece, "\r\n", 2);
      one->state = in_chunk_size;
      one->count = 0;
      one->left = 0;
      return;
    case in_last_cr:
      if (byte == '\r') {
        one->state = in_last_lf;
        return;
      }
      /* Trailers: uWebSockets.js refuses them itself. */
      piece->in--;
      memmove(piece->bytes + piece->out, piece->bytes + piece->in, piece->length - piece->in);
      piece->out += piece->length - piece->in;
      piece->in = piece->length;
      one->state = refused;
      return;
    default: /* in_last_lf */
      if (byte != '\n') {
        emit(piece, "\r", 1);
        emit(piece, &byte, 1);
        one->state = refused;
        piece->in = piece->length;
        return;
      }
      emit(piece, "\r\n", 2);
      one->state = in_head;
  }
}

/* Frames the body that stands in a piece, up to its end. */
static void frame_body(struct connection *one, struct piece *piece) {
  while (piece->in < piece->length && one->state > in_head && one->state < refused) {
    if (one->state != in_sized && one->state != in_chunk) {
      frame_byte(one, piece);
      continue;
    }
    size_t count = piece->length - piece->in;
    if (count > one->left) count = (size_t)one->left;
    if (piece->out != piece->in) memmove(piece->bytes + piece->out, piece->bytes + piece->in, count);
    piece->in += count;
    piece->out += count;
    one->left -= count;
    if (one->left == 0) one->state = one->state == in_sized ? in_head : in_chunk_end_cr;
  }
}

/* A line end that is none: no end of a head will be found behind it. */
static bool has_bare_line_feed(const char *bytes, size_t from, size_t to) {
  for (size_t at = from; at < to; at++) {
    const char *found = memchr(bytes + at, '\n', to - at);
    if (found == NULL) return false;
    at = (size_t)(found - bytes);
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

/* Too much of a head, or what will never be one: left to the limits and refusals of the parser. */
static ssize_t let_parser_refuse(struct connection *one, size_t length) {
  drop_kept(one);
  one->state = refused;
  return (ssize_t)length;
}

static ssize_t read_head(int descriptor, struct connection *one, char *bytes) {
  size_t kept = one->kept_length, length = kept;
  if (kept > 0) memcpy(bytes, one->kept, kept);
  if (!one->pending) {
    ssize_t come = recv(descriptor, bytes + kept, read_max, 0);
    if (come <= 0) return come;
    length += (size_t)come;
  }
  size_t from = kept > 3 && !one->pending ? kept - 3 : 0;
  one->pending = false;
  /* Empty lines before a request are passed over (RFC 9112, section 2.2). */
  size_t empty = 0;
  while (length - empty >= 2 && bytes[empty] == '\r' && bytes[empty + 1] == '\n') empty += 2;
  if (empty > 0) {
    length -= empty;
    from = from > empty ? from - empty : 0;
    memmove(bytes, bytes + empty, length);
    if (length == 0) {
      drop_kept(one);
      return again();
    }
  }
  char *end = memmem(bytes + from, length - from, "\r\n\r\n", 4);
  if (end == NULL) {
    bool hopeless = length > head_max || has_bare_line_feed(bytes, from, length);
    if (hopeless || !keep(one, bytes, length)) return let_parser_refuse(one, length);
    return again();
  }
  size_t head_length = (size_t)(end + 4 - bytes);
  struct framing framing = {0, 0, false, 0};
  bool connects = strncmp(bytes, "CONNECT ", 8) == 0;
  size_t checked_length = check_head(bytes, head_length, &framing);
  if (framing.unclear || connects || framing.lengths + framing.codings > 1) {
    return let_parser_refuse(one, checked_length);
  }
  one->count = 0;
  one->left = framing.length;
  if (framing.codings > 0) one->state = in_chunk_size;
  else if (framing.length > 0) one->state = in_sized;
  struct piece piece = {bytes, head_length, head_length, length};
  frame_body(one, &piece);
  if (one->kept != NULL || piece.in < length) keep_next(descriptor, one, bytes + piece.in, length - piece.in);
  return (ssize_t)piece.out;
}

static ssize_t read_chunks(int descriptor, struct connection *one, char *bytes) {
  /* What is handed over may lead by a line end that was kept back: so the reading is ahead. */
  ssize_t come = recv(descriptor, bytes + 64, read_max, 0);
  if (come <= 0) return come;
  struct piece piece = {bytes, 64, 0, (size_t)come + 64};
  frame_body(one, &piece);
  if (piece.in < piece.length) keep_next(descriptor, one, bytes + piece.in, piece.length - piece.in);
  return piece.out == 0 ? again() : (ssize_t)piece.out;
}

/* More of the next request has come before the answer to this one is out: it waits in the kernel. */
static ssize_t wait_held(int descriptor, struct connection *one) {
  char byte;
  ssize_t come = recv(descriptor, &byte, 1, MSG_PEEK);
  if (come <= 0) return come;
  if (++one->looks > held_looks_max) return 0;
  int quiet = 1 << 30;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &quiet, sizeof quiet);
  one->waits = true;
  return again();
}

static ssize_t guarded_recv(int descriptor, void *bytes, size_t room, int flags) {
  struct connection *one = of(descriptor);
  if (one == NULL || one->state == unguarded || flags != 0) return recv(descriptor, bytes, room, flags);
  /* What is kept and what is read, with what may be put in: uWebSockets.js has 512 KiB. */
  if (room < head_max + 2 * read_max) return again();
  if (cut) drop_kept(one);
  current = descriptor;
  switch (one->state) {
    case in_head:
      return one->held ? wait_held(descriptor, one) : read_head(descriptor, one, bytes);
    case in_sized: {
      /* Never a full buffer: uWebSockets.js would read on behind a pause. */
      ssize_t come = recv(descriptor, bytes, one->left < room - 64 ? (size_t)one->left : room - 64, 0);
      if (come > 0) one->left -= (uint64_t)come;
      if (come > 0 && one->left == 0) one->state = in_head;
      return come;
    }
    case refused: {
      ssize_t come = recv(descriptor, bytes, room, 0);
      return come <= 0 ? come : again();
    }
    case ended:
      return 0;
    default:
      return read_chunks(descriptor, one, bytes);
  }
}

static void note_backlog(struct connection *one, bool is) {
  if (one->backlogged == is) return;
  one->backlogged = is;
  backlog += is ? 1 : -1;
}

static ssize_t guarded_send(int descriptor, const void *bytes, size_t length, int flags) {
  ssize_t sent = send(descriptor, bytes, length, flags);
  struct connection *one = of(descriptor);
  if (one != NULL && one->state != unguarded) note_backlog(one, sent < 0 ? errno == EAGAIN : (size_t)sent < length);
  return sent;
}

static int guarded_close(int descriptor) {
  struct connection *one = of(descriptor);
  if (one != NULL && one->state != unguarded) {
    note_backlog(one, false);
    drop_kept(one);
    unlist(descriptor, one);
    one->poll = NULL;
    one->state = unguarded;
  }
  return close(descriptor);
}

static int guarded_poll_start(uv_handle_t *poll, int events, poll_callback callback) {
  int descriptor = -1;
  if (uv_fileno(poll, &descriptor) == 0) {
    struct connection *one = of(descriptor);
    if (one != NULL && one->state != unguarded) one->poll = poll;
    on_poll = callback; /* the same for all */
  }
  return uv_poll_start(poll, events, callback);
}

static int guarded_accept4(int listener, struct sockaddr *address, socklen_t *length, int flags) {
  int descriptor = accept4(listener, address, length, flags);
  if (descriptor < 0) return descriptor;
  struct connection *one = of(descriptor);
  if (one == NULL) {
    close(descriptor);
    errno = EMFILE;
    return -1;
  }
  uint16_t serial = (uint16_t)((one->serial + 1) % serial_max);
  drop_kept(one);
  *one = (struct connection){.state = in_head, .serial = serial, .next = -1};
  return descriptor;
}

/* The connection of a token, if it is still that one. */
static struct connection *of_token(int32_t token, int *descriptor) {
  if (token < 0) return NULL;
  *descriptor = token % descriptors_max;
  struct connection *one = &connections[*descriptor];
  return one->state != unguarded && one->serial == token / descriptors_max ? one : NULL;
}

int32_t request_guard_hold(void) {
  struct connection *one = of(current);
  if (one == NULL || one->state == unguarded) return -1;
  one->held = true;
  one->looks = 0;
  return (int32_t)one->serial * descriptors_max + current;
}

void request_guard_release(int32_t token) {
  int descriptor = -1;
  struct connection *one = of_token(token, &descriptor);
  if (one == NULL) return;
  one->held = false;
  if (one->pending) call_for(descriptor, one);
  if (!one->waits) return;
  int any = 1;
  one->waits = false;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &any, sizeof any);
}

void request_guard_end(int32_t token) {
  int descriptor = -1;
  struct connection *one = of_token(token, &descriptor);
  if (one == NULL) return;
  one->state = ended;
  shutdown(descriptor, SHUT_RD);
}

int32_t request_guard_backlog(void) { return backlog; }

static int idle_type(void) {
  for (int type = 1; uv_handle_size(type) != (size_t)-1; type++) {
    const char *name = uv_handle_type_name(type);
    if (name != NULL && strcmp(name, "idle") == 0) return type;
  }
  return 0;
}

void request_guard_attach(uv_loop_t *loop) {
  int type = idle_type();
  idle = type == 0 ? NULL : calloc(1, uv_handle_size(type));
  if (idle != NULL) uv_idle_init(loop, idle);
}

void request_guard_detach(void) {
  if (idle != NULL) uv_close(idle, NULL);
}

void request_guard_freed(void) {
  free(idle);
  idle = NULL;
}

void request_guard_cut(void) {
  cut = true;
  while (listed_first >= 0) unlist(listed_first, &connections[listed_first]);
  if (idle != NULL) uv_idle_stop(idle);
}

struct replacement {
  const char *name;
  void *function;
};

static const struct replacement replacements[] = {
    {"recv", (void *)guarded_recv},
    {"send", (void *)guarded_send},
    {"close", (void *)guarded_close},
    {"accept4", (void *)guarded_accept4},
    {"uv_poll_start", (void *)guarded_poll_start},
};
enum { replacement_count = sizeof replacements / sizeof replacements[0] };

static bool replace(ElfW(Addr) base, const ElfW(Rela) *entries, size_t bytes, const ElfW(Sym) *symbols,
                    const char *names, unsigned *replaced) {
  long page = sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < bytes / sizeof *entries; i++) {
    const char *name = names + symbols[ELF64_R_SYM(entries[i].r_info)].st_name;
    for (size_t r = 0; r < replacement_count; r++) {
      if (strcmp(name, replacements[r].name) != 0) continue;
      uintptr_t slot = (uintptr_t)(base + entries[i].r_offset);
      void *start = (void *)(slot & ~(uintptr_t)(page - 1));
      if (mprotect(start, (size_t)page, PROT_READ | PROT_WRITE) != 0) return false;
      *(void **)slot = replacements[r].function;
      *replaced |= 1u << r;
    }
  }
  return true;
}

/* 1: that was uWebSockets.js, and all calls go through here now. */
static int visit(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)size;
  (void)unused;
  const char *file = object->dlpi_name == NULL ? NULL : strrchr(object->dlpi_name, '/');
  if (file == NULL || (strncmp(file, "/uws_", 5) != 0 && strncmp(file, "/uws-", 5) != 0)) return 0;
  const ElfW(Dyn) *dynamic = NULL;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    dynamic = (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
  }
  if (dynamic == NULL) return 0;
  const ElfW(Sym) *symbols = NULL;
  const char *names = NULL;
  const ElfW(Rela) *jumps = NULL, *others = NULL;
  size_t jump_bytes = 0, other_bytes = 0;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    switch (dynamic->d_tag) {
      case DT_SYMTAB: symbols = (const ElfW(Sym) *)dynamic->d_un.d_ptr; break;
      case DT_STRTAB: names = (const char *)dynamic->d_un.d_ptr; break;
      case DT_JMPREL: jumps = (const ElfW(Rela) *)dynamic->d_un.d_ptr; break;
      case DT_PLTRELSZ: jump_bytes = dynamic->d_un.d_val; break;
      case DT_RELA: others = (const ElfW(Rela) *)dynamic->d_un.d_ptr; break;
      case DT_RELASZ: other_bytes = dynamic->d_un.d_val; break;
      default: break;
    }
  }
  unsigned replaced = 0;
  if (symbols == NULL || names == NULL) return 0;
  if (jumps != NULL && !replace(object->dlpi_addr, jumps, jump_bytes, symbols, names, &replaced)) return 0;
  if (others != NULL && !replace(object->dlpi_addr, others, other_bytes, symbols, names, &replaced)) return 0;
  return replaced == (1u << replacement_count) - 1 ? 1 : 0;
}

bool request_guard_install(size_t head_bytes_max) {
  head_max = head_bytes_max;
  if (head_max > head_bytes_limit) return false;
  return dl_iterate_phdr(visit, NULL) == 1;
}

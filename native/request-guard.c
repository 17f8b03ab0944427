/*
 * Reads requests before uWebSockets.js does, which is lenient where two parsers could differ:
 * it ends its list of fields at an empty name, drops bytes over 0x7f at the ends of values, takes
 * any bytes for the line ends of chunks, hangs on chunk extensions and after an empty line, parses
 * on behind a request that was refused, and closes a connection whose next request comes early.
 *
 * So its calls of accept4, recv, send and close are led through here, by the entries of its own
 * global offset table. A connection's bytes are framed strictly (RFC 9112) and handed over as at
 * most one request at a time; what belongs to the next one stays in the kernel, where it makes the
 * socket readable again. A head is handed over whole. A line that is wrong is replaced by `!: n` (a
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

/* The usual limit of descriptors at most; an accepted one past it is closed. */
enum { descriptors_max = 1 << 20, serial_max = 1 << 11 };
/* Hex digits of a chunk's size, digits of a length (the door's limit), bytes of extensions. */
enum { hex_digits_max = 15, length_digits_max = 15, extension_max = 1024 };
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
  uint16_t serial; /* tells it from the next one with its descriptor */
  uint16_t looks;
  uint32_t count; /* digits of a size, bytes of extensions */
  uint64_t left;  /* bytes of a body or a chunk */
  char *head;     /* the part of a head that has come */
  uint32_t head_length;
};

static struct connection connections[descriptors_max];
static size_t head_max;
static __thread int current = -1;
static __thread int32_t backlog;

static struct connection *of(int descriptor) {
  return descriptor >= 0 && descriptor < descriptors_max ? &connections[descriptor] : NULL;
}

static ssize_t again(void) {
  errno = EAGAIN;
  return -1;
}

static void drop_head(struct connection *one) {
  free(one->head);
  one->head = NULL;
  one->head_length = 0;
}

/* Takes bytes out of the kernel that were looked at before. */
static void consume(int descriptor, size_t count) {
  while (count > 0) {
    ssize_t taken = recv(descriptor, NULL, count, MSG_TRUNC);
    if (taken <= 0) return;
    count -= (size_t)taken;
  }
}

static bool is_token(unsigned char byte) {
  if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) return true;
  return byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

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

/* Keeps the part of a head that has come until the rest has; too much goes to the parser's limit. */
static ssize_t keep_head(int descriptor, struct connection *one, char *bytes, size_t length) {
  size_t kept = one->head_length;
  consume(descriptor, length - kept);
  char *head = length > head_max ? NULL : realloc(one->head, length);
  if (head == NULL) {
    drop_head(one);
    one->state = refused;
    return (ssize_t)length;
  }
  memcpy(head + kept, bytes + kept, length - kept);
  one->head = head;
  one->head_length = (uint32_t)length;
  return again();
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

static ssize_t read_head(int descriptor, struct connection *one, char *bytes, size_t room) {
  size_t kept = one->head_length;
  if (kept > 0) memcpy(bytes, one->head, kept);
  /* Some room is left for what a line that is wrong is replaced by. */
  ssize_t come = recv(descriptor, bytes + kept, room - kept - 64, MSG_PEEK);
  if (come <= 0) return come;
  size_t length = kept + (size_t)come;
  /* One empty line before a request is passed over (RFC 9112, section 2.2). */
  if (kept == 0 && length >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
    consume(descriptor, 2);
    return length == 2 ? again() : read_head(descriptor, one, bytes, room);
  }
  size_t from = kept > 3 ? kept - 3 : 0;
  char *end = memmem(bytes + from, length - from, "\r\n\r\n", 4);
  if (end == NULL && has_bare_line_feed(bytes, kept, length)) {
    /* The parser refuses it, each in its way. */
    drop_head(one);
    one->state = refused;
    consume(descriptor, length - kept);
    return (ssize_t)length;
  }
  if (end == NULL) return keep_head(descriptor, one, bytes, length);
  size_t head_length = (size_t)(end + 4 - bytes);
  struct framing framing = {0, 0, false, 0};
  bool connects = strncmp(bytes, "CONNECT ", 8) == 0;
  size_t checked_length = check_head(bytes, head_length, &framing);
  drop_head(one);
  if (framing.unclear || connects || framing.lengths + framing.codings > 1) {
    one->state = refused;
    consume(descriptor, length - kept);
    return (ssize_t)checked_length;
  }
  one->count = 0;
  one->left = framing.length;
  if (framing.codings > 0) one->state = in_chunk_size;
  else if (framing.length > 0) one->state = in_sized;
  struct piece piece = {bytes, head_length, head_length, length};
  frame_body(one, &piece);
  consume(descriptor, piece.in - kept);
  return (ssize_t)piece.out;
}

static ssize_t read_chunks(int descriptor, struct connection *one, char *bytes, size_t room) {
  ssize_t come = recv(descriptor, bytes, room - 64, MSG_PEEK);
  if (come <= 0) return come;
  struct piece piece = {bytes, 0, 0, (size_t)come};
  /* What is handed over may lead by a line end that was kept back: the room is at the end. */
  memmove(bytes + 64, bytes, (size_t)come);
  piece.in = 64;
  piece.length += 64;
  frame_body(one, &piece);
  consume(descriptor, piece.in - 64);
  return piece.out == 0 ? again() : (ssize_t)piece.out;
}

/* The next request has come before the answer to this one is out: it waits in the kernel. */
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
  current = descriptor;
  switch (one->state) {
    case in_head:
      return one->held ? wait_held(descriptor, one) : read_head(descriptor, one, bytes, room);
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
      return read_chunks(descriptor, one, bytes, room);
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
    drop_head(one);
    one->state = unguarded;
  }
  return close(descriptor);
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
  drop_head(one);
  *one = (struct connection){.state = in_head, .serial = serial};
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

struct replacement {
  const char *name;
  void *function;
};

static const struct replacement replacements[] = {
    {"recv", (void *)guarded_recv},
    {"send", (void *)guarded_send},
    {"close", (void *)guarded_close},
    {"accept4", (void *)guarded_accept4},
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
  return dl_iterate_phdr(visit, NULL) == 1;
}

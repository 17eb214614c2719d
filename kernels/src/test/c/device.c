/* Memory, streams, events and graphs of the stand-in device. */
#define _GNU_SOURCE
#include "device.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct settings settings = {
    .driver_version = 13000,
    .devices = 1,
    .capability_major = 9,
    .memory = 1L << 30,
    .order = 0,
    .lose_after = -1,
};

int lost = CUDA_SUCCESS;

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static object *objects;
static block *blocks;
static long used;
static int complaints;

void standin_enter(void) { pthread_mutex_lock(&lock); }

void standin_leave(void) { pthread_mutex_unlock(&lock); }

void standin_complain(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("stand-in: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  complaints++;
}

/* How often a rule was broken so far. */
EXPORT int standin_complaints(void) { return complaints; }

/* Bytes of device and page-locked memory that are allocated. */
EXPORT long standin_held(void) {
  long held = 0;
  for (block *b = blocks; b != NULL; b = b->next) {
    held += (long)b->bytes;
  }
  return held;
}

/* Sets what kind of device there is, and what goes wrong on it. */
EXPORT int standin_set(const char *name, long value) {
  struct {
    const char *name;
    long *setting;
  } known[] = {
      {"driver-version", &settings.driver_version},
      {"devices", &settings.devices},
      {"capability-major", &settings.capability_major},
      {"memory", &settings.memory},
      {"order", &settings.order},
      {"lose-after", &settings.lose_after},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, name) == 0) {
      *known[i].setting = value;
      return 1;
    }
  }
  return 0;
}

/* ---- handles: a pointer is one only as long as it is on the list */

void *made(object *new, enum kind kind) {
  new->kind = kind;
  new->next = objects;
  objects = new;
  return new;
}

int live(const void *handle, enum kind kind) {
  for (object *o = objects; o != NULL; o = o->next) {
    if (o == handle) {
      return o->kind == kind;
    }
  }
  return 0;
}

void destroyed(object *old) {
  for (object **o = &objects; *o != NULL; o = &(*o)->next) {
    if (*o == old) {
      *o = old->next;
      break;
    }
  }
  free(old);
}

/* ---- memory */

/* New memory holds what is not a number, and no sensible integer. */
block *allocated(size_t bytes, int on_device) {
  if (on_device && (long)bytes > settings.memory - used) {
    return NULL;
  }
  void *start;
  size_t whole = (bytes + 511) / 512 * 512;
  if (posix_memalign(&start, 512, whole) != 0) {
    return NULL;
  }
  for (size_t i = 0; i < whole / 4; i++) {
    ((uint32_t *)start)[i] = 0x7fc0dead;
  }
  block *b = malloc(sizeof *b);
  *b = (block){.start = start, .bytes = bytes, .on_device = on_device, .next = blocks};
  blocks = b;
  used += on_device ? (long)bytes : 0;
  return b;
}

block *block_of(const void *address, size_t bytes, int on_device) {
  for (block *b = blocks; b != NULL; b = b->next) {
    if (b->on_device == on_device && (const char *)address >= b->start &&
        (const char *)address + bytes <= b->start + b->bytes) {
      return b;
    }
  }
  return NULL;
}

int released(void *start, int on_device) {
  for (block **b = &blocks; *b != NULL; b = &(*b)->next) {
    if ((*b)->start == start && (*b)->on_device == on_device) {
      block *old = *b;
      *b = old->next;
      used -= on_device ? (long)old->bytes : 0;
      free(old->start);
      free(old);
      return 1;
    }
  }
  return 0;
}

int standin_on_device(const void *address, size_t bytes) {
  return block_of(address, bytes, 1) != NULL;
}

int standin_touch(const void *address, size_t bytes, const char *what) {
  if (bytes == 0 || block_of(address, bytes, 1) != NULL) {
    return 1;
  }
  standin_complain("%s: %zu bytes at %p are not allocated", what, bytes, address);
  lost = CUDA_ERROR_ILLEGAL_ADDRESS;
  return 0;
}

/* ---- streams */

stream *live_stream(void *handle) { return live(handle, STREAM) ? handle : NULL; }

step *step_of(size_t size) {
  step *s = calloc(1, sizeof *s + size);
  s->size = size;
  return s;
}

static void append(steps *list, step *s) {
  s->next = NULL;
  if (list->last == NULL) {
    list->first = s;
  } else {
    list->last->next = s;
  }
  list->last = s;
}

void discard(steps *list) {
  while (list->first != NULL) {
    step *s = list->first;
    list->first = s->next;
    free(s);
  }
  list->last = NULL;
}

/* Takes the stream one step further; 0 if there is none, or it must wait. */
static int advance(stream *s) {
  step *first = s->queue.first;
  if (first == NULL || lost) {
    return 0;
  }
  if (first->what == AWAIT && first->mark->reached < first->recording) {
    return 0;
  }
  s->queue.first = first->next;
  if (s->queue.first == NULL) {
    s->queue.last = NULL;
  }
  if (first->what == WORK) {
    first->run(first->bytes);
  } else if (first->what == REACH) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    first->mark->reached = first->recording;
    first->mark->ms = 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
  }
  free(first);
  return 1;
}

void drain(stream *s) {
  while (s->queue.first != NULL && !lost) {
    step *first = s->queue.first;
    if (first->what == AWAIT) {
      reach(first->mark, first->recording);
    }
    advance(s);
  }
}

void reach(event *mark, unsigned recording) {
  while (mark->reached < recording && !lost) {
    step *first = mark->on->queue.first;
    if (first->what == AWAIT) {
      reach(first->mark, first->recording);
    }
    advance(mark->on);
  }
}

int drain_all(void) {
  int status = CUDA_SUCCESS;
  for (object *o = objects; o != NULL; o = o->next) {
    stream *s = (stream *)o;
    if (o->kind == STREAM && s->capture != NULL) {
      s->invalidated = 1;
      status = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    } else if (o->kind == STREAM && status == CUDA_SUCCESS) {
      drain(s);
      status = lost;
    }
  }
  return status;
}

/*
 * Between calls, streams come as far as the setting says: 0 nowhere, 1 as far as they can; any
 * other gives each stream a pace, so that one is idle while the next is ahead of it.
 */
void sometimes(void) {
  static unsigned long random = 0x9e3779b97f4a7c15UL;
  int moved = settings.order != 0;
  while (moved) {
    moved = 0;
    for (object *o = objects; o != NULL; o = o->next) {
      if (o->kind != STREAM) {
        continue;
      }
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      unsigned long number = ((stream *)o)->number;
      unsigned long pace = (unsigned long)settings.order * 7919UL + number * 104729UL;
      if (settings.order == 1 || random % 4 < (pace >> 3) % 3 * 2) {
        moved |= advance((stream *)o);
      }
    }
  }
}

int queued(stream *to, step *new) {
  if (to->capture != NULL) {
    append(&to->capture->recorded, new);
    return to->invalidated ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
  }
  append(&to->queue, new);
  return CUDA_SUCCESS;
}

int standin_queue(stream *to, work run, const void *bytes, size_t size) {
  if (lost) {
    return lost;
  }
  step *new = step_of(size);
  new->what = WORK;
  new->run = run;
  memcpy(new->bytes, bytes, size);
  return queued(to, new);
}

unsigned long thread(void) { return (unsigned long)pthread_self(); }

/* Mode 0 forbids it to all, 1 to the thread that records, 2 to none. */
int forbids_unsafe(void) {
  for (object *o = objects; o != NULL; o = o->next) {
    stream *s = (stream *)o;
    if (o->kind == STREAM && s->capture != NULL &&
        (s->capture_mode == 0 || (s->capture_mode == 1 && s->capture_thread == thread()))) {
      s->invalidated = 1;
      return 1;
    }
  }
  return 0;
}

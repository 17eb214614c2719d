/* Memory, streams, events and graphs of the stand-in device; libcuda's own half of standin.h. */
#ifndef DEVICE_H
#define DEVICE_H

#include "standin.h"

/* What handles are of. */
enum kind { STREAM = 1, EVENT, MODULE, FUNCTION, GRAPH, EXECUTABLE };

/* Begins every object behind a handle. */
typedef struct object {
  enum kind kind;
  struct object *next;
} object;

/* A block of device memory, or of page-locked host memory. */
typedef struct block {
  char *start;
  size_t bytes;
  int on_device;
  struct block *next;
} block;

/* When each event was recorded last, and how far its stream has come. */
typedef struct event {
  object head;
  int timed;
  unsigned recorded;
  unsigned reached;
  stream *on;
  int captured;
  double ms;
} event;

/* One thing to do: work, or to reach or await the recording of an event. */
typedef struct step {
  struct step *next;
  enum { WORK, REACH, AWAIT } what;
  event *mark;
  unsigned recording;
  work run;
  size_t size;
  char bytes[];
} step;

typedef struct steps {
  step *first;
  step *last;
} steps;

/* A graph, or one made ready: what was recorded. */
typedef struct graph {
  object head;
  steps recorded;
} graph;

struct stream {
  object head;
  unsigned long number;
  steps queue;
  graph *capture;
  int invalidated;
  int capture_mode;
  unsigned long capture_thread;
};

/* What tests set; see standin_set. */
extern struct settings {
  long driver_version;
  long devices;
  long capability_major;
  long memory;
  long order;
  long lose_after;
} settings;

extern int lost;

void *made(object *new, enum kind kind);
int live(const void *handle, enum kind kind);
void destroyed(object *old);

block *allocated(size_t bytes, int on_device);
block *block_of(const void *address, size_t bytes, int on_device);
int released(void *start, int on_device);

int queued(stream *to, step *new);
step *step_of(size_t size);
void drain(stream *s);
int drain_all(void);
void reach(event *mark, unsigned recording);
void discard(steps *list);
void sometimes(void);

/* The stream of a handle; null if it is none, as the legacy stream is none here. */
stream *live_stream(void *handle);

/* Whether a recording that is not relaxed forbids this thread to allocate and the like. */
int forbids_unsafe(void);

unsigned long thread(void);

/* What every call needs but those about errors, versions and devices: a context, a live device. */
int ready(void);

/* Every call runs alone and begins with what is asked of all. */
#define CALL(checks)            \
  standin_enter();              \
  int status = (checks);        \
  if (status != CUDA_SUCCESS) { \
    goto done;                  \
  }
#define END      \
  done:          \
  standin_leave(); \
  return status;
#define REQUIRE(condition, otherwise) \
  if (!(condition)) {                 \
    status = (otherwise);             \
    goto done;                        \
  }

#endif

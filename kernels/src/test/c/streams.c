/* The stand-in for libcuda.so.1: the calls about streams, events and graphs. */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* ---- streams and events */

EXPORT int cuStreamCreate(void **result, unsigned flags) {
  CALL(ready())
  REQUIRE(flags <= 1, CUDA_ERROR_INVALID_VALUE)
  if (flags != 1 /* CU_STREAM_NON_BLOCKING */) {
    standin_complain("a copy on the legacy stream would wait for this one, and end its recording");
  }
  static unsigned long streams;
  stream *s = calloc(1, sizeof *s);
  s->number = streams++;
  *result = made(&s->head, STREAM);
  END
}

EXPORT int cuStreamDestroy_v2(void *handle) {
  CALL(ready())
  REQUIRE(live(handle, STREAM), CUDA_ERROR_INVALID_HANDLE)
  drain(handle);
  destroyed(handle);
  END
}

EXPORT int cuStreamSynchronize(void *handle) {
  CALL(ready())
  stream *s = live_stream(handle);
  REQUIRE(s != NULL, CUDA_ERROR_INVALID_HANDLE)
  s->invalidated |= s->capture != NULL;
  REQUIRE(s->capture == NULL, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
  drain(s);
  status = lost;
  END
}

EXPORT int cuStreamWaitEvent(void *handle, void *awaited, unsigned flags) {
  CALL(ready())
  stream *s = live_stream(handle);
  event *e = awaited;
  REQUIRE(s != NULL && live(e, EVENT), CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE)
  /* A recording may wait for what it recorded itself, and for nothing else. */
  s->invalidated |= s->capture != NULL && !e->captured;
  REQUIRE(s->capture == NULL || e->captured, CUDA_ERROR_STREAM_CAPTURE_ISOLATION)
  REQUIRE(s->capture != NULL || !e->captured, CUDA_ERROR_STREAM_CAPTURE_ISOLATION)
  if (e->recorded > 0) {
    step *new = step_of(0);
    new->what = AWAIT;
    new->mark = e;
    new->recording = e->recorded;
    status = queued(s, new);
  }
  sometimes();
  END
}

EXPORT int cuEventCreate(void **result, unsigned flags) {
  CALL(ready())
  REQUIRE(flags <= 3, CUDA_ERROR_INVALID_VALUE)
  event *e = calloc(1, sizeof *e);
  e->timed = (flags & 2) == 0; /* CU_EVENT_DISABLE_TIMING */
  *result = made(&e->head, EVENT);
  END
}

EXPORT int cuEventDestroy_v2(void *handle) {
  CALL(ready())
  REQUIRE(live(handle, EVENT), CUDA_ERROR_INVALID_HANDLE)
  event *e = handle;
  if (!e->captured) {
    reach(e, e->recorded);
  }
  destroyed(handle);
  END
}

EXPORT int cuEventRecord(void *handle, void *on) {
  CALL(ready())
  stream *s = live_stream(on);
  event *e = handle;
  REQUIRE(s != NULL && live(e, EVENT), CUDA_ERROR_INVALID_HANDLE)
  /* What waits for an earlier recording on another stream waits no longer than it had to. */
  if (e->on != NULL && e->on != s && !e->captured) {
    reach(e, e->recorded);
  }
  e->captured = s->capture != NULL;
  if (!e->captured) {
    e->on = s;
    e->recorded++;
    step *new = step_of(0);
    new->what = REACH;
    new->mark = e;
    new->recording = e->recorded;
    status = queued(s, new);
  }
  sometimes();
  END
}

EXPORT int cuEventSynchronize(void *handle) {
  CALL(ready())
  event *e = handle;
  REQUIRE(live(e, EVENT), CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(!e->captured, CUDA_ERROR_CAPTURED_EVENT)
  reach(e, e->recorded);
  status = lost;
  END
}

EXPORT int cuEventElapsedTime(float *ms, void *start, void *end) {
  CALL(ready())
  event *a = start;
  event *b = end;
  REQUIRE(live(a, EVENT) && live(b, EVENT), CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(a->timed && b->timed && a->recorded > 0 && b->recorded > 0, CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(a->reached == a->recorded && b->reached == b->recorded, 600 /* NOT_READY */)
  *ms = (float)(b->ms - a->ms);
  END
}

/* ---- graphs */

EXPORT int cuStreamBeginCapture_v2(void *handle, int mode) {
  CALL(ready())
  stream *s = live_stream(handle);
  REQUIRE(s != NULL, CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(s->capture == NULL, CUDA_ERROR_ILLEGAL_STATE)
  REQUIRE(mode >= 0 && mode <= 2, CUDA_ERROR_INVALID_VALUE)
  s->capture = calloc(1, sizeof *s->capture);
  s->invalidated = 0;
  s->capture_mode = mode;
  s->capture_thread = thread();
  END
}

EXPORT int cuStreamEndCapture(void *handle, void **result) {
  CALL(ready())
  REQUIRE(live(handle, STREAM), CUDA_ERROR_INVALID_HANDLE)
  stream *s = handle;
  REQUIRE(s->capture != NULL, CUDA_ERROR_ILLEGAL_STATE)
  REQUIRE(s->capture_mode == 2 || s->capture_thread == thread(),
          CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD)
  graph *g = s->capture;
  s->capture = NULL;
  if (s->invalidated) {
    discard(&g->recorded);
    free(g);
    *result = NULL;
    REQUIRE(0, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
  }
  *result = made(&g->head, GRAPH);
  END
}

static step *again(const step *s) {
  step *new = step_of(s->size);
  memcpy(new, s, sizeof *s + s->size);
  return new;
}

EXPORT int cuGraphInstantiateWithFlags(void **result, void *handle, unsigned long long flags) {
  CALL(ready())
  REQUIRE(live(handle, GRAPH), CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE)
  graph *ready_graph = calloc(1, sizeof *ready_graph);
  stream list = {.capture = NULL};
  for (step *s = ((graph *)handle)->recorded.first; s != NULL; s = s->next) {
    queued(&list, again(s));
  }
  ready_graph->recorded = list.queue;
  *result = made(&ready_graph->head, EXECUTABLE);
  END
}

/* Whether a graph that is ready, and a stream to run it on, are there. */
static int runnable(void *executable, void *handle) {
  int status = ready();
  return status != CUDA_SUCCESS ? status
         : live(executable, EXECUTABLE) && live_stream(handle) != NULL ? CUDA_SUCCESS
                                                                      : CUDA_ERROR_INVALID_HANDLE;
}

EXPORT int cuGraphUpload(void *executable, void *handle) {
  CALL(runnable(executable, handle))
  stream *s = live_stream(handle);
  s->invalidated |= s->capture != NULL;
  REQUIRE(s->capture == NULL, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
  END
}

EXPORT int cuGraphLaunch(void *executable, void *handle) {
  CALL(runnable(executable, handle))
  stream *s = live_stream(handle);
  for (step *r = ((graph *)executable)->recorded.first; r != NULL; r = r->next) {
    status = queued(s, again(r));
  }
  sometimes();
  END
}

static int destroy_graph(void *handle, enum kind kind) {
  CALL(ready())
  REQUIRE(live(handle, kind), CUDA_ERROR_INVALID_HANDLE)
  discard(&((graph *)handle)->recorded);
  destroyed(handle);
  END
}

EXPORT int cuGraphExecDestroy(void *handle) { return destroy_graph(handle, EXECUTABLE); }

EXPORT int cuGraphDestroy(void *handle) { return destroy_graph(handle, GRAPH); }

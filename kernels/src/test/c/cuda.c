/*
 * The stand-in for libcuda.so.1: the calls of the driver API that the engine makes, about the
 * device, its memory and kernels.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

enum { MOST_PARAMETERS = 64, JIT_ERROR_LOG_BUFFER = 5, JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6 };

/* What the JVM does: it knows memory, assembles PTX and runs kernels. */
static struct {
  void (*memory)(void *start, long bytes);
  int (*load)(const char *ptx, int *parameters, int *sizes, int *threads, char *log, long bytes);
  int (*launch)(int kernel, const int *shape, const void *parameters);
} jvm;

EXPORT void standin_install(void *memory, void *load, void *launch) {
  jvm.memory = (void (*)(void *, long))memory;
  jvm.load = (int (*)(const char *, int *, int *, int *, char *, long))load;
  jvm.launch = (int (*)(int, const int *, const void *))launch;
}

typedef struct function {
  object head;
  int kernel;
  int parameters;
  int sizes[MOST_PARAMETERS];
  int threads;
  char name[128];
} function;

static int initialized;
static struct { int retained; } primary;
static __thread void *current;
static long launches;

int ready(void) {
  return !initialized      ? CUDA_ERROR_NOT_INITIALIZED
         : lost            ? lost
         : current == NULL ? CUDA_ERROR_INVALID_CONTEXT
                           : CUDA_SUCCESS;
}

int standin_usable(const stream *s) {
  return ready() == CUDA_SUCCESS && (s == NULL || live(s, STREAM));
}

/* ---- errors, version, device */

EXPORT int cuGetErrorName(int error, const char **name) {
  static const struct {
    int error;
    const char *name;
  } names[] = {
      {CUDA_SUCCESS, "CUDA_SUCCESS"},
      {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
      {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
      {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
      {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
      {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
      {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
      {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX"},
      {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
      {CUDA_ERROR_ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE"},
      {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
      {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
      {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
      {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED"},
      {CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION"},
      {CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT"},
      {CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (names[i].error == error) {
      *name = names[i].name;
      return CUDA_SUCCESS;
    }
  }
  *name = NULL;
  return CUDA_ERROR_INVALID_VALUE;
}

EXPORT int cuGetErrorString(int error, const char **text) {
  const char *name;
  int known = cuGetErrorName(error, &name);
  *text = known == CUDA_SUCCESS ? "as the stand-in says" : NULL;
  return known;
}

EXPORT int cuInit(unsigned flags) {
  CALL(flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE)
  REQUIRE(jvm.memory != NULL, CUDA_ERROR_NOT_INITIALIZED)
  REQUIRE(settings.devices > 0, CUDA_ERROR_NO_DEVICE)
  initialized = 1;
  END
}

EXPORT int cuDriverGetVersion(int *version) {
  *version = (int)settings.driver_version;
  return CUDA_SUCCESS;
}

/* Calls about a device need no context. */
static int device(int index) {
  return !initialized                               ? CUDA_ERROR_NOT_INITIALIZED
         : index < 0 || index >= settings.devices ? CUDA_ERROR_INVALID_DEVICE
                                                    : CUDA_SUCCESS;
}

EXPORT int cuDeviceGetCount(int *count) {
  *count = (int)settings.devices;
  return initialized ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
}

EXPORT int cuDeviceGet(int *result, int ordinal) {
  *result = ordinal;
  return device(ordinal);
}

EXPORT int cuDeviceGetName(char *name, int length, int index) {
  snprintf(name, (size_t)length, "stand-in");
  return device(index);
}

EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int index) {
  *bytes = (size_t)settings.memory;
  return device(index);
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int index) {
  switch (attribute) {
    case 16: *value = 4; break; /* MULTIPROCESSOR_COUNT */
    case 75: *value = (int)settings.capability_major; break; /* COMPUTE_CAPABILITY_MAJOR */
    case 76: *value = 0; break; /* COMPUTE_CAPABILITY_MINOR */
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  return device(index);
}

EXPORT int cuDevicePrimaryCtxRetain(void **context, int index) {
  CALL(device(index))
  primary.retained++;
  *context = &primary;
  END
}

EXPORT int cuCtxSetCurrent(void *context) {
  CALL(initialized ? lost : CUDA_ERROR_NOT_INITIALIZED)
  REQUIRE(context == NULL || (context == &primary && primary.retained > 0),
          CUDA_ERROR_INVALID_CONTEXT)
  current = context;
  END
}

/* Waits for all streams; not while one is recorded. */
EXPORT int cuCtxSynchronize(void) {
  CALL(ready())
  status = drain_all();
  END
}

/* ---- memory */

EXPORT int cuMemAlloc_v2(void **address, size_t bytes) {
  CALL(ready())
  REQUIRE(bytes > 0, CUDA_ERROR_INVALID_VALUE)
  REQUIRE(!forbids_unsafe(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
  block *b = allocated(bytes, 1);
  REQUIRE(b != NULL, CUDA_ERROR_OUT_OF_MEMORY)
  jvm.memory(b->start, (long)bytes);
  *address = b->start;
  END
}

/* Does not wait for what is queued: whoever frees must have. */
EXPORT int cuMemFree_v2(void *address) {
  CALL(ready())
  REQUIRE(!forbids_unsafe(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
  REQUIRE(released(address, 1), CUDA_ERROR_INVALID_VALUE)
  jvm.memory(address, 0);
  END
}

EXPORT int cuMemAllocHost_v2(void **address, size_t bytes) {
  CALL(ready())
  REQUIRE(bytes > 0, CUDA_ERROR_INVALID_VALUE)
  REQUIRE(!forbids_unsafe(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
  block *b = allocated(bytes, 0);
  REQUIRE(b != NULL, CUDA_ERROR_OUT_OF_MEMORY)
  *address = b->start;
  END
}

EXPORT int cuMemFreeHost(void *address) {
  CALL(ready())
  REQUIRE(released(address, 0), CUDA_ERROR_INVALID_VALUE)
  END
}

typedef struct copy {
  void *to;
  const void *from;
  size_t bytes;
  int to_device;
  int from_device;
} copy;

/* Page-locked memory must still be so when the copy runs. */
static int touch(const void *address, size_t bytes, int on_device) {
  if (on_device) {
    return standin_touch(address, bytes, "copy");
  }
  if (block_of(address, bytes, 0) == NULL) {
    standin_complain("copy: %zu bytes at %p are no longer page-locked", bytes, address);
    return 0;
  }
  return 1;
}

static void run_copy(void *bytes) {
  copy *c = bytes;
  if (touch(c->to, c->bytes, c->to_device) && touch(c->from, c->bytes, c->from_device)) {
    memcpy(c->to, c->from, c->bytes);
  }
}

static int copy_async(copy c, void *stream) {
  CALL(ready())
  struct stream *s = live_stream(stream);
  REQUIRE(s != NULL, CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(!c.to_device || block_of(c.to, c.bytes, 1), CUDA_ERROR_INVALID_VALUE)
  REQUIRE(!c.from_device || block_of(c.from, c.bytes, 1), CUDA_ERROR_INVALID_VALUE)
  /* Pageable memory may be read or written after the call, or before: it is left to the driver. */
  if ((!c.to_device && !block_of(c.to, c.bytes, 0)) ||
      (!c.from_device && !block_of(c.from, c.bytes, 0))) {
    standin_complain("an asynchronous copy of memory that is not page-locked");
  }
  status = standin_queue(s, run_copy, &c, sizeof c);
  sometimes();
  END
}

EXPORT int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
  return copy_async((copy){to, from, bytes, 1, 0}, stream);
}

EXPORT int cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
  return copy_async((copy){to, from, bytes, 0, 1}, stream);
}

EXPORT int cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
  return copy_async((copy){to, from, bytes, 1, 1}, stream);
}

typedef struct fill {
  uint32_t *to;
  uint32_t value;
  size_t count;
} fill;

static void run_fill(void *bytes) {
  fill *f = bytes;
  if (standin_touch(f->to, 4 * f->count, "memset")) {
    for (size_t i = 0; i < f->count; i++) {
      f->to[i] = f->value;
    }
  }
}

EXPORT int cuMemsetD32Async(void *to, unsigned value, size_t count, void *stream) {
  CALL(ready())
  struct stream *s = live_stream(stream);
  REQUIRE(s != NULL, CUDA_ERROR_INVALID_HANDLE)
  REQUIRE((uintptr_t)to % 4 == 0 && block_of(to, 4 * count, 1), CUDA_ERROR_INVALID_VALUE)
  fill f = {to, value, count};
  status = standin_queue(s, run_fill, &f, sizeof f);
  END
}

/* ---- kernels */

EXPORT int cuModuleLoadDataEx(
    void **module, const char *ptx, unsigned count, const int *options, void **values) {
  char *log = NULL;
  long log_bytes = 0;
  for (unsigned i = 0; i < count; i++) {
    if (options[i] == JIT_ERROR_LOG_BUFFER) {
      log = values[i];
    } else if (options[i] == JIT_ERROR_LOG_BUFFER_SIZE_BYTES) {
      /* A number in the place of a pointer: cast, not pointed to. */
      log_bytes = (long)(unsigned)(uintptr_t)values[i];
    } else {
      standin_complain("cuModuleLoadDataEx: option %d is not known", options[i]);
    }
  }
  CALL(ready())
  REQUIRE(!forbids_unsafe(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
  REQUIRE((log == NULL) == (log_bytes == 0), CUDA_ERROR_INVALID_VALUE)
  function *f = calloc(1, sizeof *f);
  f->kernel = jvm.load(ptx, &f->parameters, f->sizes, &f->threads, log, log_bytes);
  const char *entry = strstr(ptx, ".entry ");
  if (f->kernel < 0 || entry == NULL) {
    free(f);
    REQUIRE(0, CUDA_ERROR_INVALID_PTX)
  }
  sscanf(entry, ".entry %127[A-Za-z0-9_]", f->name);
  *module = made(&f->head, MODULE);
  END
}

/* A module has one kernel and serves as its own function. */
EXPORT int cuModuleGetFunction(void **result, void *module, const char *name) {
  CALL(ready())
  REQUIRE(live(module, MODULE), CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(strcmp(((function *)module)->name, name) == 0, CUDA_ERROR_NOT_FOUND)
  *result = module;
  END
}

typedef struct launched {
  int kernel;
  int shape[5];
  char parameters[8 * MOST_PARAMETERS];
} launched;

static void run_kernel(void *bytes) {
  launched *l = bytes;
  if (settings.lose_after >= 0 && launches >= settings.lose_after) {
    lost = CUDA_ERROR_ILLEGAL_ADDRESS;
    return;
  }
  launches++;
  lost = jvm.launch(l->kernel, l->shape, l->parameters);
}

EXPORT int cuLaunchKernel(
    void *kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
    unsigned shared, void *stream, void **parameters, void **extra) {
  CALL(ready())
  struct stream *s = live_stream(stream);
  function *f = kernel;
  REQUIRE(s != NULL && live(f, MODULE), CUDA_ERROR_INVALID_HANDLE)
  REQUIRE(extra == NULL && shared == 0 && bz == 1, CUDA_ERROR_INVALID_VALUE)
  REQUIRE(gx > 0 && gy > 0 && gz > 0 && gx < 1U << 31 && gy < 1U << 16 && gz < 1U << 16,
          CUDA_ERROR_INVALID_VALUE)
  REQUIRE(bx > 0 && by > 0 && bx * by <= 1024 && (int)(bx * by) <= f->threads,
          CUDA_ERROR_INVALID_VALUE)
  launched l = {.kernel = f->kernel, .shape = {(int)gx, (int)gy, (int)gz, (int)bx, (int)by}};
  /* Each is read now, as many bytes as the PTX declares, and lies where its size aligns it. */
  size_t end = 0;
  for (int i = 0; i < f->parameters; i++) {
    size_t size = (size_t)f->sizes[i];
    end = (end + size - 1) / size * size;
    memcpy(l.parameters + end, parameters[i], size);
    end += size;
  }
  status = standin_queue(s, run_kernel, &l, sizeof l);
  sometimes();
  END
}

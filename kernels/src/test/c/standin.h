/*
 * What the stand-ins for libcuda, libcublas and libcudnn share. They hold device memory, streams
 * and graphs on the host, run kernels through the PTX interpreter of the tests, and check what
 * NVIDIA's documentation asks of a caller, also where NVIDIA's own libraries would let it pass.
 *
 * Work is queued and runs when something waits for it, or between calls in an order that a seed
 * gives: whatever the streams allow may happen.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

/* CUresult, as the driver API numbers it. */
enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_ILLEGAL_STATE = 401,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_STREAM_CAPTURE_UNMATCHED = 903,
  CUDA_ERROR_STREAM_CAPTURE_ISOLATION = 905,
  CUDA_ERROR_CAPTURED_EVENT = 907,
  CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD = 908
};

typedef struct stream stream;

/* What a device does when its turn has come; the bytes were copied when it was queued. */
typedef void (*work)(void *bytes);

#pragma GCC visibility push(default)

/* Queues work on a stream, or records it there; a CUresult. */
int standin_queue(stream *to, work run, const void *bytes, size_t size);

/* Whether the calling thread has a context, and the stream is one, or null. */
int standin_usable(const stream *s);

/* Whether that many bytes lie in one allocation of device memory. */
int standin_on_device(const void *address, size_t bytes);

/* For work that touches memory: complains and loses the device if the bytes are not allocated. */
int standin_touch(const void *address, size_t bytes, const char *what);

/* Notes what a test must fail for, although a device might let it pass. */
void standin_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One call into the stand-ins at a time. */
void standin_enter(void);
void standin_leave(void);

#pragma GCC visibility pop

#endif

/*
 * The stand-in for cuDNN 9, from NVIDIA's description: convolutions of images and filters in either
 * order of dimensions, algorithms offered best first with what each costs and promises.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

enum {
  SUCCESS = 0,
  NOT_INITIALIZED = 1001,
  LOADING_FAILED = 1008,
  BAD_PARAM = 2000,
  NOT_SUPPORTED = 3000,
  EXECUTION_FAILED = 5000,
};

enum { NCHW = 0, NHWC = 1 };
enum { DEFAULT_MATH = 0, TENSOR_OP_MATH = 1, FMA_MATH = 3 };
enum { FORWARD, BACKWARD_DATA, BACKWARD_FILTER };

typedef struct handle {
  stream *on;
} handle;

/* An image or filters: images or outputs, channels, rows, columns, and their order in memory. */
typedef struct tensor {
  int n, c, h, w, format;
} tensor;

typedef struct convolution {
  int pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, mode, math;
} convolution;

EXPORT size_t cudnnGetVersion(void) { return 91002; }

EXPORT const char *cudnnGetErrorString(int status) {
  switch (status) {
    case SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case LOADING_FAILED: return "CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED";
    case BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    case NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    default: return "CUDNN_UNKNOWN_STATUS";
  }
}

static int created(void **result, size_t bytes) {
  *result = calloc(1, bytes);
  return SUCCESS;
}

static int destroyed(void *old) {
  free(old);
  return old == NULL ? BAD_PARAM : SUCCESS;
}

/* Opens the parts by name, as cuDNN 9 does, which says nothing of the folder that they lie in. */
static int parts(void) {
  static const char *names[] = {
      "libcudnn_ops.so.9", "libcudnn_cnn.so.9", "libcudnn_heuristic.so.9"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (dlopen(names[i], RTLD_LAZY) == NULL) {
      return 0;
    }
  }
  return 1;
}

EXPORT int cudnnCreate(void **result) {
  standin_enter();
  int usable = standin_usable(NULL);
  standin_leave();
  return !usable ? NOT_INITIALIZED : !parts() ? LOADING_FAILED : created(result, sizeof(handle));
}

EXPORT int cudnnDestroy(void *h) { return destroyed(h); }

EXPORT int cudnnSetStream(handle *h, stream *on) {
  h->on = on;
  return SUCCESS;
}

EXPORT int cudnnCreateTensorDescriptor(void **result) { return created(result, sizeof(tensor)); }
EXPORT int cudnnDestroyTensorDescriptor(void *t) { return destroyed(t); }
EXPORT int cudnnCreateFilterDescriptor(void **result) { return created(result, sizeof(tensor)); }
EXPORT int cudnnDestroyFilterDescriptor(void *t) { return destroyed(t); }

static int set(tensor *t, int format, int type, int n, int c, int h, int w) {
  if (n < 1 || c < 1 || h < 1 || w < 1 || (format != NCHW && format != NHWC)) {
    return BAD_PARAM;
  }
  *t = (tensor){n, c, h, w, format};
  return type == 0 ? SUCCESS : NOT_SUPPORTED; /* CUDNN_DATA_FLOAT */
}

EXPORT int cudnnSetTensor4dDescriptor(tensor *t, int format, int type, int n, int c, int h, int w) {
  return set(t, format, type, n, c, h, w);
}

/* Type and format change places. */
EXPORT int cudnnSetFilter4dDescriptor(tensor *t, int type, int format, int k, int c, int h, int w) {
  return set(t, format, type, k, c, h, w);
}

EXPORT int cudnnCreateConvolutionDescriptor(void **result) {
  return created(result, sizeof(convolution));
}

EXPORT int cudnnDestroyConvolutionDescriptor(void *c) { return destroyed(c); }

EXPORT int cudnnSetConvolution2dDescriptor(
    convolution *c, int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w, int mode,
    int type) {
  if (pad_h < 0 || pad_w < 0 || u < 1 || v < 1 || dilation_h < 1 || dilation_w < 1 ||
      (mode != 0 && mode != 1)) {
    return BAD_PARAM;
  }
  *c = (convolution){pad_h, pad_w, u, v, dilation_h, dilation_w, mode, DEFAULT_MATH};
  return type == 0 ? SUCCESS : NOT_SUPPORTED;
}

EXPORT int cudnnSetConvolutionMathType(convolution *c, int math) {
  c->math = math;
  return math >= DEFAULT_MATH && math <= FMA_MATH ? SUCCESS : BAD_PARAM;
}

static int out_size(int in, int pad, int kernel, int dilation, int stride) {
  return 1 + (in + 2 * pad - ((kernel - 1) * dilation + 1)) / stride;
}

static int fits(const tensor *x, const tensor *w, const convolution *c, const tensor *y) {
  return x->n == y->n && x->c == w->c && y->c == w->n &&
         y->h == out_size(x->h, c->pad_h, w->h, c->dilation_h, c->stride_h) &&
         y->w == out_size(x->w, c->pad_w, w->w, c->dilation_w, c->stride_w);
}

static size_t size_of(const tensor *t) {
  return (size_t)t->n * (size_t)t->c * (size_t)t->h * (size_t)t->w;
}

/* As cudnnConvolution...AlgoPerf_t lays it out. */
typedef struct offer {
  int algorithm;
  int status;
  float time;
  size_t memory;
  int deterministic;
  int math;
  int reserved[3];
} offer;

/* The algorithms: one does not repeat, one fails, one rounds to TF32, two are good. */
enum { RANDOM = 0, GOOD = 1, SCRATCHLESS = 3, FAILING = 5, ROUNDING = 6 };

/* What an algorithm works in, if it runs in the arithmetic that the descriptor asks for. */
static int scratch(
    const tensor *x, const tensor *w, const convolution *c, const tensor *y, int algorithm,
    size_t *bytes) {
  if (!fits(x, w, c, y)) {
    return BAD_PARAM;
  }
  *bytes = algorithm == GOOD ? 4 * size_of(w) + 4 : 0;
  return algorithm == FAILING || (algorithm == ROUNDING && c->math == FMA_MATH) ? NOT_SUPPORTED
                                                                               : SUCCESS;
}

static int offers(
    const tensor *x, const tensor *w, const convolution *c, const tensor *y, int asked,
    int *returned, offer *result) {
  size_t bytes;
  if (asked < 1 || scratch(x, w, c, y, GOOD, &bytes) != SUCCESS) {
    return BAD_PARAM;
  }
  const offer all[] = {
      {RANDOM, SUCCESS, -1, bytes / 2, 0, FMA_MATH, {0}},
      {FAILING, NOT_SUPPORTED, -1, 0, 1, FMA_MATH, {0}},
      {ROUNDING, SUCCESS, -1, bytes, 1, TENSOR_OP_MATH, {0}},
      {GOOD, SUCCESS, -1, bytes, 1, FMA_MATH, {0}},
      {SCRATCHLESS, SUCCESS, -1, 0, 1, DEFAULT_MATH, {0}},
  };
  int count = (int)(sizeof all / sizeof *all);
  *returned = asked < count ? asked : count;
  memcpy(result, all, sizeof *all * (size_t)*returned);
  return SUCCESS;
}

EXPORT int cudnnGetConvolutionForwardAlgorithm_v7(
    handle *h, tensor *x, tensor *w, convolution *c, tensor *y, int asked, int *returned,
    offer *result) {
  (void)h;
  return offers(x, w, c, y, asked, returned, result);
}

EXPORT int cudnnGetConvolutionBackwardDataAlgorithm_v7(
    handle *h, tensor *w, tensor *dy, convolution *c, tensor *dx, int asked, int *returned,
    offer *result) {
  (void)h;
  return offers(dx, w, c, dy, asked, returned, result);
}

EXPORT int cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    handle *h, tensor *x, tensor *dy, convolution *c, tensor *dw, int asked, int *returned,
    offer *result) {
  (void)h;
  return offers(x, dw, c, dy, asked, returned, result);
}

EXPORT int cudnnGetConvolutionForwardWorkspaceSize(
    handle *h, tensor *x, tensor *w, convolution *c, tensor *y, int algorithm, size_t *bytes) {
  (void)h;
  return scratch(x, w, c, y, algorithm, bytes);
}

EXPORT int cudnnGetConvolutionBackwardDataWorkspaceSize(
    handle *h, tensor *w, tensor *dy, convolution *c, tensor *dx, int algorithm, size_t *bytes) {
  (void)h;
  return scratch(dx, w, c, dy, algorithm, bytes);
}

EXPORT int cudnnGetConvolutionBackwardFilterWorkspaceSize(
    handle *h, tensor *x, tensor *dy, convolution *c, tensor *dw, int algorithm, size_t *bytes) {
  (void)h;
  return scratch(x, dw, c, dy, algorithm, bytes);
}

/* A convolution whose turn comes later; the direction says which of x, w and y is written. */
typedef struct job {
  int direction;
  float alpha, beta;
  tensor xd, wd, yd;
  convolution c;
  float *x, *w, *y;
  void *workspace;
  size_t workspace_bytes;
} job;

static size_t index_of(const tensor *t, int n, int c, int h, int w) {
  return t->format == NHWC
             ? (((size_t)n * t->h + h) * t->w + w) * t->c + c
             : (((size_t)n * t->c + c) * t->h + h) * t->w + w;
}

static void tap(const job *j, double *sums, int n, int k, int p, int q, int r, int s) {
  const convolution *c = &j->c;
  int row = p * c->stride_h - c->pad_h + r * c->dilation_h;
  int column = q * c->stride_w - c->pad_w + s * c->dilation_w;
  if (row < 0 || row >= j->xd.h || column < 0 || column >= j->xd.w) {
    return;
  }
  /* A convolution proper turns its filters round, a cross correlation does not. */
  int fr = c->mode == 1 ? r : j->wd.h - 1 - r;
  int fs = c->mode == 1 ? s : j->wd.w - 1 - s;
  size_t y = index_of(&j->yd, n, k, p, q);
  for (int i = 0; i < j->xd.c; i++) {
    size_t x = index_of(&j->xd, n, i, row, column);
    size_t w = index_of(&j->wd, k, i, fr, fs);
    switch (j->direction) {
      case FORWARD: sums[y] += (double)j->x[x] * j->w[w]; break;
      case BACKWARD_DATA: sums[x] += (double)j->y[y] * j->w[w]; break;
      default: sums[w] += (double)j->x[x] * j->y[y]; break;
    }
  }
}

static void run(void *bytes) {
  const job *j = bytes;
  size_t xs = size_of(&j->xd), ws = size_of(&j->wd), ys = size_of(&j->yd);
  if (!standin_touch(j->x, 4 * xs, "convolution x") ||
      !standin_touch(j->w, 4 * ws, "convolution w") ||
      !standin_touch(j->y, 4 * ys, "convolution y") ||
      !standin_touch(j->workspace, j->workspace_bytes, "convolution workspace")) {
    return;
  }
  /* All of the workspace is written; what overlaps with it is lost. */
  memset(j->workspace, 0xff, j->workspace_bytes);
  float *out = j->direction == FORWARD ? j->y : j->direction == BACKWARD_DATA ? j->x : j->w;
  size_t size = j->direction == FORWARD ? ys : j->direction == BACKWARD_DATA ? xs : ws;
  double *sums = calloc(size, sizeof *sums);
  for (int n = 0; n < j->yd.n; n++) {
    for (int k = 0; k < j->yd.c; k++) {
      for (int p = 0; p < j->yd.h; p++) {
        for (int q = 0; q < j->yd.w; q++) {
          for (int r = 0; r < j->wd.h; r++) {
            for (int s = 0; s < j->wd.w; s++) {
              tap(j, sums, n, k, p, q, r, s);
            }
          }
        }
      }
    }
  }
  for (size_t i = 0; i < size; i++) {
    out[i] = (float)(j->alpha * sums[i] + (j->beta == 0 ? 0 : (double)j->beta * out[i]));
  }
  free(sums);
}

static int start(const handle *h, int algorithm, const job *j) {
  size_t bytes;
  int status = h == NULL ? BAD_PARAM : scratch(&j->xd, &j->wd, &j->c, &j->yd, algorithm, &bytes);
  if (status != SUCCESS) {
    return status;
  }
  if (algorithm == RANDOM) {
    standin_complain("convolution: an algorithm that does not repeat");
  }
  if (j->workspace_bytes < bytes) {
    return BAD_PARAM;
  }
  standin_enter();
  int queued = standin_usable(h->on) && standin_queue(h->on, run, j, sizeof *j) == CUDA_SUCCESS;
  standin_leave();
  return queued ? SUCCESS : EXECUTION_FAILED;
}

EXPORT int cudnnConvolutionForward(
    handle *h, const float *alpha, tensor *xd, float *x, tensor *wd, float *w, convolution *c,
    int algorithm, void *workspace, size_t bytes, const float *beta, tensor *yd, float *y) {
  job j = {FORWARD, *alpha, *beta, *xd, *wd, *yd, *c, x, w, y, workspace, bytes};
  return start(h, algorithm, &j);
}

EXPORT int cudnnConvolutionBackwardData(
    handle *h, const float *alpha, tensor *wd, float *w, tensor *yd, float *dy, convolution *c,
    int algorithm, void *workspace, size_t bytes, const float *beta, tensor *xd, float *dx) {
  job j = {BACKWARD_DATA, *alpha, *beta, *xd, *wd, *yd, *c, dx, w, dy, workspace, bytes};
  return start(h, algorithm, &j);
}

EXPORT int cudnnConvolutionBackwardFilter(
    handle *h, const float *alpha, tensor *xd, float *x, tensor *yd, float *dy, convolution *c,
    int algorithm, void *workspace, size_t bytes, const float *beta, tensor *wd, float *dw) {
  job j = {BACKWARD_FILTER, *alpha, *beta, *xd, *wd, *yd, *c, x, dw, dy, workspace, bytes};
  return start(h, algorithm, &j);
}

/*
 * The stand-in for cuBLAS 12 or 13, from NVIDIA's description: matrices lie column by column, a
 * leading dimension is checked against the rows of what is stored, C is not read where beta is 0,
 * and setting a stream takes a workspace back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

enum {
  SUCCESS = 0,
  NOT_INITIALIZED = 1,
  INVALID_VALUE = 7,
  EXECUTION_FAILED = 13,
};

enum { OP_N = 0, OP_T = 1 };
enum { TF32_TENSOR_OP_MATH = 3 };

typedef struct handle {
  struct handle *self;
  stream *on;
  char *workspace;
  size_t workspace_bytes;
  int on_device;
  int math;
} handle;

/* The other half of the library, which it needs where it lies. */
int standin_lt(void);

static int known(const handle *h) { return h != NULL && h->self == h; }

EXPORT int cublasCreate_v2(handle **result) {
  standin_enter();
  int usable = standin_usable(NULL) && standin_lt();
  standin_leave();
  if (!usable) {
    return NOT_INITIALIZED;
  }
  *result = calloc(1, sizeof **result);
  (*result)->self = *result;
  return SUCCESS;
}

EXPORT int cublasDestroy_v2(handle *h) {
  if (!known(h)) {
    return NOT_INITIALIZED;
  }
  h->self = NULL;
  free(h);
  return SUCCESS;
}

EXPORT int cublasGetVersion_v2(handle *h, int *version) {
  *version = 10000 * VERSION + 402;
  return known(h) ? SUCCESS : NOT_INITIALIZED;
}

EXPORT int cublasSetStream_v2(handle *h, stream *on) {
  if (!known(h)) {
    return NOT_INITIALIZED;
  }
  h->on = on;
  h->workspace = NULL;
  return SUCCESS;
}

EXPORT int cublasSetPointerMode_v2(handle *h, int mode) {
  if (!known(h)) {
    return NOT_INITIALIZED;
  }
  h->on_device = mode;
  return mode == 0 || mode == 1 ? SUCCESS : INVALID_VALUE;
}

EXPORT int cublasSetMathMode(handle *h, int mode) {
  if (!known(h)) {
    return NOT_INITIALIZED;
  }
  h->math = mode;
  return mode >= 0 && mode <= 3 ? SUCCESS : INVALID_VALUE;
}

EXPORT int cublasSetWorkspace_v2(handle *h, char *workspace, size_t bytes) {
  if (!known(h)) {
    return NOT_INITIALIZED;
  }
  standin_enter();
  int good = (uintptr_t)workspace % 256 == 0 && standin_on_device(workspace, bytes);
  standin_leave();
  if (!good) {
    return INVALID_VALUE;
  }
  h->workspace = workspace;
  h->workspace_bytes = bytes;
  return SUCCESS;
}

typedef struct product {
  int ta, tb, m, n, k, lda, ldb, ldc, math;
  float alpha, beta;
  const float *a, *b;
  float *c;
  char *workspace;
  size_t workspace_bytes;
} product;

/* Bytes from the first to the last element of a stored matrix. */
static size_t extent(int rows, int columns, int leading) {
  return rows == 0 || columns == 0 ? 0
                                   : 4 * ((size_t)leading * ((size_t)columns - 1) + (size_t)rows);
}

static size_t stored(int transposed, int rows, int columns, int leading) {
  return transposed ? extent(columns, rows, leading) : extent(rows, columns, leading);
}

static float at(const float *x, int transposed, int leading, int row, int column) {
  return transposed ? x[column + (size_t)row * leading] : x[row + (size_t)column * leading];
}

/* In TF32 an operand keeps 10 bits of its mantissa. */
static double rounded(float value, int math) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = math == TF32_TENSOR_OP_MATH ? (bits + 0x1000) & ~0x1fffU : bits;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

static void run(void *bytes) {
  const product *p = bytes;
  if (!standin_touch(p->a, stored(p->ta, p->m, p->k, p->lda), "gemm a") ||
      !standin_touch(p->b, stored(p->tb, p->k, p->n, p->ldb), "gemm b") ||
      !standin_touch(p->c, extent(p->m, p->n, p->ldc), "gemm c") ||
      !standin_touch(p->workspace, p->workspace_bytes, "gemm workspace")) {
    return;
  }
  /* A workspace is written to, by whatever kernel there is. */
  for (size_t i = 0; i < 1024 && i < p->workspace_bytes; i++) {
    p->workspace[i] = (char)0xff;
    p->workspace[p->workspace_bytes - 1 - i] = (char)0xff;
  }
  for (int column = 0; column < p->n; column++) {
    for (int row = 0; row < p->m; row++) {
      double sum = 0;
      for (int i = 0; i < p->k; i++) {
        sum += rounded(at(p->a, p->ta, p->lda, row, i), p->math) *
               rounded(at(p->b, p->tb, p->ldb, i, column), p->math);
      }
      float *c = &p->c[row + (size_t)column * p->ldc];
      *c = (float)(p->alpha * sum + (p->beta == 0 ? 0 : (double)p->beta * *c));
    }
  }
}

static int at_least_one(int value) { return value > 1 ? value : 1; }

EXPORT int cublasSgemm_v2(
    handle *h, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
    const float *b, int ldb, const float *beta, float *c, int ldc) {
  if (!known(h)) {
    return NOT_INITIALIZED;
  }
  if (m < 0 || n < 0 || k < 0 || (ta != OP_N && ta != OP_T) || (tb != OP_N && tb != OP_T) ||
      lda < at_least_one(ta == OP_N ? m : k) || ldb < at_least_one(tb == OP_N ? k : n) ||
      ldc < at_least_one(m) || alpha == NULL || beta == NULL) {
    return INVALID_VALUE;
  }
  if (h->on_device) {
    standin_complain("gemm: the factors are on the host, the pointer mode says device");
  }
  if (h->workspace == NULL) {
    standin_complain("gemm: without a workspace, results may differ from run to run");
  }
  product p = {ta,     tb,    m, n, k, lda,          ldb,               ldc, h->math,
               *alpha, *beta, a, b, c, h->workspace, h->workspace_bytes};
  standin_enter();
  int queued = standin_usable(h->on) && standin_queue(h->on, run, &p, sizeof p) == CUDA_SUCCESS;
  standin_leave();
  return queued ? SUCCESS : EXECUTION_FAILED;
}

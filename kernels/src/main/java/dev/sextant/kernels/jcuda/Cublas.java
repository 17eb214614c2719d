package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver.Matrix;
import jcuda.Pointer;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasPointerMode;
import jcuda.runtime.cudaStream_t;

/**
 * Matrix products in float. TF32, whose products have 10 bits of mantissa, is off unless asked for:
 * results must agree with the reference. The workspace is given, as graphs need it, and so cuBLAS
 * repeats bit for bit on one stream.
 */
final class Cublas implements AutoCloseable {
  private static final Pointer ONE = Pointer.to(new float[] {1});
  private static final Pointer ZERO = Pointer.to(new float[] {0});

  private final cublasHandle handle = new cublasHandle();

  /**
   * cuBLAS on a stream.
   *
   * @param workspace address of its scratch
   */
  Cublas(CUstream stream, long workspace, long workspaceBytes, boolean tf32) {
    Status.cublas("cublasCreate", JCublas2.cublasCreate(handle));
    Status.cublas("cublasSetStream", JCublas2.cublasSetStream(handle, new cudaStream_t(stream)));
    Status.cublas(
        "cublasSetPointerMode",
        JCublas2.cublasSetPointerMode(handle, cublasPointerMode.CUBLAS_POINTER_MODE_HOST));
    Status.cublas(
        "cublasSetWorkspace",
        JCublas2.cublasSetWorkspace(handle, new DeviceAddress(workspace), workspaceBytes));
    if (tf32) {
      Status.cublas(
          "cublasSetMathMode",
          JCublas2.cublasSetMathMode(handle, cublasMath.CUBLAS_TF32_TENSOR_OP_MATH));
    }
  }

  int version() {
    int[] version = new int[1];
    Status.cublas("cublasGetVersion", JCublas2.cublasGetVersion(handle, version));
    return version[0];
  }

  /** Row-major c = op(a) op(b) is column-major cT = op(b)T op(a)T: operands change places. */
  void gemm(
      Matrix a,
      boolean transposeA,
      Matrix b,
      boolean transposeB,
      Matrix c,
      int inner,
      boolean accumulate) {
    Status.cublas(
        "cublasSgemm",
        JCublas2.cublasSgemm(
            handle,
            operation(transposeB),
            operation(transposeA),
            c.columns(),
            c.rows(),
            inner,
            ONE,
            new DeviceAddress(b.address()),
            Math.max(1, b.columns()),
            new DeviceAddress(a.address()),
            Math.max(1, a.columns()),
            accumulate ? ONE : ZERO,
            new DeviceAddress(c.address()),
            Math.max(1, c.columns())));
  }

  private static int operation(boolean transpose) {
    return transpose ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
  }

  @Override
  public void close() {
    JCublas2.cublasDestroy(handle);
  }
}

package dev.sextant.kernels.jcuda;

import dev.sextant.tensor.SextantException;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.cublasStatus;
import jcuda.jcudnn.JCudnn;

/** Turns status codes into errors that name the call. */
final class Status {
  private Status() {}

  /** Of the driver. */
  static void driver(String call, int status) {
    if (status == CUresult.CUDA_SUCCESS) {
      return;
    }
    String[] name = new String[1];
    String[] meaning = new String[1];
    JCudaDriver.cuGetErrorName(status, name);
    JCudaDriver.cuGetErrorString(status, meaning);
    throw new SextantException("cuda: %s: %s (%s)".formatted(call, name[0], meaning[0]));
  }

  /** Of cuBLAS. */
  static void cublas(String call, int status) {
    if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      throw new SextantException("cublas: %s: %s".formatted(call, cublasStatus.stringFor(status)));
    }
  }

  /** Of cuDNN, which numbers its codes anew from version 9 on: only the library can name them. */
  static void cudnn(String call, int status) {
    if (status != 0) {
      throw new SextantException(
          "cudnn: %s: %s".formatted(call, JCudnn.cudnnGetErrorString(status)));
    }
  }
}

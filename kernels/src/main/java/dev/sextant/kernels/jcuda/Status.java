package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.DeviceLostException;
import dev.sextant.tensor.SextantException;
import it.unimi.dsi.fastutil.ints.IntSet;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.cublasStatus;
import jcuda.jcudnn.JCudnn;

/** Turns status codes into errors that name the call. */
final class Status {
  /** After these nothing works in this process any more: faults of kernels and of hardware. */
  private static final IntSet FATAL =
      IntSet.of(
          CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE,
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE,
          CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
          CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED,
          CUresult.CUDA_ERROR_ASSERT,
          CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CUresult.CUDA_ERROR_INVALID_PC,
          CUresult.CUDA_ERROR_LAUNCH_FAILED);

  private static volatile boolean lost;

  private Status() {}

  /** Whether a device was lost in this process. */
  static boolean isLost() {
    return lost;
  }

  /** Of the driver. */
  static void driver(String call, int status) {
    if (status == CUresult.CUDA_SUCCESS) {
      return;
    }
    String[] name = new String[1];
    String[] meaning = new String[1];
    JCudaDriver.cuGetErrorName(status, name);
    JCudaDriver.cuGetErrorString(status, meaning);
    String said = "%s (%s)".formatted(name[0], meaning[0]);
    if (FATAL.contains(status)) {
      lost = true;
      throw new DeviceLostException(call, said);
    }
    throw new SextantException("cuda: %s: %s".formatted(call, said));
  }

  /** A library says no more than that it could not, where the device was lost before its turn. */
  private static void library(String call) {
    int status = JCudaDriver.cuCtxSynchronize();
    if (FATAL.contains(status)) {
      driver(call, status);
    }
  }

  /** Of cuBLAS. */
  static void cublas(String call, int status) {
    if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      library(call);
      throw new SextantException("cublas: %s: %s".formatted(call, cublasStatus.stringFor(status)));
    }
  }

  /** Of cuDNN, which numbers its codes anew from version 9 on: only the library can name them. */
  static void cudnn(String call, int status) {
    if (status != 0) {
      library(call);
      throw new SextantException(
          "cudnn: %s: %s".formatted(call, JCudnn.cudnnGetErrorString(status)));
    }
  }
}

package dev.sextant.tensor;

import dev.sextant.tensor.family.BatchNormalization;
import dev.sextant.tensor.family.Bottleneck;
import dev.sextant.tensor.family.Channels;
import dev.sextant.tensor.family.Convolution;
import dev.sextant.tensor.family.Depthwise;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.Gemm;
import dev.sextant.tensor.family.Loss;
import dev.sextant.tensor.family.Optimizer;
import dev.sextant.tensor.family.Pooling;
import dev.sextant.tensor.family.Superkernel;

/**
 * The one seam to hardware: a device, its memory, and the kernels an engine is made of, by family.
 *
 * <p>Images are {@code [N, H, W, C]}; convolution kernels {@code [k, k, Cin, Cout]}; depthwise
 * kernels {@code [k, k, C]}; per-channel vectors {@code [C]}. Inputs are not changed; outputs are
 * overwritten unless a method says it accumulates; an output may share its storage with an input
 * only where a method says so. Every method of a family first applies the rule of its name (such as
 * {@link dev.sextant.tensor.family.ConvolutionRules#forward}), which throws a {@link
 * SextantException} that names the operation and the shapes. Operands need not come from this
 * backend's own memory: forks of a model read weights that one of them owns. Sizes of zero are
 * legal. For a fixed thread count every result is the same from run to run, bit for bit.
 *
 * <p>An accessor gives the same object each time. Not thread-safe: one backend serves one thread,
 * and splits its own work over its threads.
 */
public interface Backend extends AutoCloseable {
  /** {@return the plain loops in double that every other backend is tested against} */
  static Backend reference() {
    return Backends.open(Device.REFERENCE, 1);
  }

  /**
   * {@return the CPU with that many threads, on the Vector API where the JVM has it}
   *
   * @param threads workers that share each kernel, 1 to {@value Backends#MOST_THREADS}
   */
  static Backend cpu(int threads) {
    return Backends.open(Device.CPU, threads);
  }

  /** {@return what this backend runs on} */
  Device device();

  /** {@return how many threads share a kernel's work} */
  int threads();

  /** {@return the pool its tensors come from} */
  Memory memory();

  /** {@return what this backend runs on, for a reader: name, memory, versions of drivers} */
  default String description() {
    return device().toString();
  }

  /**
   * Waits until everything asked for so far is done. Kernels of the CPU are done when they return;
   * a device queues them.
   */
  default void synchronize() {}

  /**
   * Work that is done again and again on the same tensors, as one thing to ask for: a device may
   * record it (a CUDA graph). It consists of kernels alone: no transfers, nothing that returns a
   * number. May do it once or twice meanwhile.
   *
   * @param work runs the kernels, in the same order each time
   * @return does the work; valid while the tensors and this backend are open
   */
  default Runnable repeatable(Runnable work) {
    return work;
  }

  /**
   * Copies {@code to.size()} floats from an array into a tensor.
   *
   * @param from an array, or an open tensor of this backend
   * @param offset index in the array of the first element copied
   * @param to an open tensor of this backend, of the array's element type; overwritten
   */
  default void upload(float[] from, int offset, Tensor to) {
    System.arraycopy(from, offset, to.floats(), to.offset(), to.size());
  }

  /**
   * Copies {@code to.size()} integers from an array into a tensor.
   *
   * @param from an array, or an open tensor of this backend
   * @param offset index in the array of the first element copied
   * @param to an open tensor of this backend, of the array's element type; overwritten
   */
  default void upload(int[] from, int offset, Tensor to) {
    System.arraycopy(from, offset, to.ints(), to.offset(), to.size());
  }

  /**
   * Copies a float tensor into an array.
   *
   * @param from an array, or an open tensor of this backend
   * @param to overwritten from {@code offset} on, for {@code from.size()} elements
   * @param offset index in the array of the first element copied
   */
  default void download(Tensor from, float[] to, int offset) {
    System.arraycopy(from.floats(), from.offset(), to, offset, from.size());
  }

  /** {@return the operations on all elements alike} */
  Elementwise elementwise();

  /** {@return the operations on channels, alike over pixels} */
  Channels channels();

  /** {@return the products of matrices} */
  Gemm gemm();

  /** {@return the dense convolutions} */
  Convolution convolution();

  /** {@return the depthwise convolutions} */
  Depthwise depthwise();

  /** {@return the batch normalisations} */
  BatchNormalization batchNorm();

  /** {@return the convolutions that read and write through batch normalisation} */
  Bottleneck bottleneck();

  /** {@return the operations on depthwise kernels that hold smaller ones} */
  Superkernel superkernel();

  /** {@return the poolings} */
  Pooling pooling();

  /** {@return the cross-entropy and the accuracy} */
  Loss loss();

  /** {@return the fused optimizer steps} */
  Optimizer optimizer();

  /** Stops the worker threads. Idempotent. */
  @Override
  void close();
}

/**
 * The CUDA backend: kernels in PTX, written by {@link dev.sextant.kernels.ptx.Assembler}, cuBLAS
 * and cuDNN, behind one driver seam. JCuda types appear in {@code dev.sextant.kernels.jcuda} alone,
 * and nothing of JCuda is loaded before a device is opened.
 */
package dev.sextant.kernels;

/**
 * The CUDA backend: driver seam, PTX kernels, cuBLAS and cuDNN calls. JCuda types appear in this
 * module alone. Nothing is served from here yet; {@code --device cuda} says so.
 */
package dev.sextant.kernels;

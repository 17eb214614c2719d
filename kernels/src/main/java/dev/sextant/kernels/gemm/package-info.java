/** Matrix products by cuBLAS. */
package dev.sextant.kernels.gemm;

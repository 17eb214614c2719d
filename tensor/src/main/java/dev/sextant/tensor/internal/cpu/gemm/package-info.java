/** Matrix products from blocks of micro-kernels, and the sums of partial products. */
package dev.sextant.tensor.internal.cpu.gemm;

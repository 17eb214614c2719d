/** Dense convolutions by cuBLAS and cuDNN. */
package dev.sextant.kernels.convolution;

/** Batch normalisation by the kernels over channels. */
package dev.sextant.kernels.batchnorm;

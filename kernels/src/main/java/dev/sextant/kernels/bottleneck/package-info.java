/** Convolutions that read through batch norms. */
package dev.sextant.kernels.bottleneck;

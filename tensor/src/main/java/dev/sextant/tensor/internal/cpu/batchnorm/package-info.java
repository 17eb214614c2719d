/** Batch normalisation: its constants as planes, its sums, and both passes. */
package dev.sextant.tensor.internal.cpu.batchnorm;

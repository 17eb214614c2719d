/** Kernels that treat channels alike. */
package dev.sextant.tensor.internal.cpu.channels;

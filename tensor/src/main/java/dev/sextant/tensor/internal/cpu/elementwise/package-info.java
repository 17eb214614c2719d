/** Kernels that treat all elements alike. */
package dev.sextant.tensor.internal.cpu.elementwise;

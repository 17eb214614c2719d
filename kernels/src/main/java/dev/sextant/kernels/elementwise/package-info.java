/** Kernels over all elements, in PTX, and how they are launched. */
package dev.sextant.kernels.elementwise;

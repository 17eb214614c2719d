/** Depthwise convolutions, in PTX, and how they are launched. */
package dev.sextant.kernels.depthwise;
